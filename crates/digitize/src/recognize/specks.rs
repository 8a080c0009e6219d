//! Specks of dust: small dots with nothing near them. Beside a word they make its box higher and its reading unsure, alone they are read
//! as dashes and full stops. For a second look they are taken out. A dot that belongs to a letter stands close to it, so what stands close
//! to anything is left.

use crate::capi::Pix;
use crate::page::Grey;
use sohoa_record::Rect;

/// In heights of the letter x: no larger than a full stop of bold type, and a third more.
const LARGEST: f32 = 0.35;
/// The farthest that a dot is from its own: the two of a colon, 0.4; an i and its dot, marks and full stops are nearer.
const ALONE: f32 = 0.5;

/// Makes paper of the specks.
pub(super) fn erase(grey: &mut Grey, x_height: f32) -> Option<()> {
    let (darkest, palest) = (*grey.pixels.iter().min()?, *grey.pixels.iter().max()?);
    let level = ((u16::from(darkest) + u16::from(palest)) / 2) as u8;
    for speck in find(&Pix::from_grey(grey)?.to_bilevel(level)?.components(), x_height) {
        // they fade out beyond their box
        let (right, bottom) = ((speck.right() + 2).min(grey.width), (speck.bottom() + 2).min(grey.height));
        for y in speck.y.saturating_sub(2)..bottom {
            let row = y as usize * grey.width as usize;
            grey.pixels[row + speck.x.saturating_sub(2) as usize..row + right as usize].fill(palest);
        }
    }
    Some(())
}

/// The specks among the components of a one-bit image. `x_height` is that of the letter x, pixels.
fn find(components: &[Rect], x_height: f32) -> Vec<Rect> {
    let (largest, near) = (LARGEST * x_height, (ALONE * x_height) as u32);
    let mut sorted: Vec<&Rect> = components.iter().collect();
    sorted.sort_by_key(|c| c.x);
    let widest = components.iter().map(|c| c.width).max().unwrap_or(0);
    let is_alone = |speck: &Rect| {
        let from = sorted.partition_point(|c| c.x + widest + near < speck.x);
        let beside = sorted[from..].iter().take_while(|c| c.x <= speck.right() + near);
        beside.filter(|c| ***c != *speck).all(|c| {
            let apart = |a: u32, a_end: u32, b: u32, b_end: u32| b.saturating_sub(a_end).max(a.saturating_sub(b_end));
            let across = apart(speck.x, speck.right(), c.x, c.right());
            across.max(apart(speck.y, speck.bottom(), c.y, c.bottom())) > near
        })
    };
    let small = |c: &&Rect| c.width.max(c.height) as f32 <= largest;
    components.iter().filter(small).filter(|speck| is_alone(speck)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_alone_are_specks_and_those_of_letters_are_not() {
        let at = |x, y, width, height| Rect { x, y, width, height };
        // height of x 22: a letter, its dot, its full stop, a speck below it, one far away
        let page = [at(100, 100, 20, 22), at(106, 88, 5, 5), at(123, 117, 5, 5), at(106, 135, 5, 5), at(300, 300, 4, 3)];
        assert_eq!(find(&page, 22.0), [page[3], page[4]]);
        let colon = [at(400, 100, 5, 5), at(400, 114, 5, 5)];
        assert_eq!(find(&colon, 22.0), []);
        let broken: Vec<Rect> = (0..9).map(|nth| at(500 + nth * 9, 100 + nth % 3, 4, 4)).collect();
        assert_eq!(find(&broken, 22.0), [], "a letter in pieces");
        let large = [at(700, 100, 9, 9)];
        assert_eq!(find(&large, 22.0), []);
        // beside a long rule
        let ruled = [at(0, 500, 900, 3), at(450, 506, 4, 4)];
        assert_eq!(find(&ruled, 22.0), []);
    }
}
