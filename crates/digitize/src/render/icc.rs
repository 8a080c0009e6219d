//! The output intent's colour profile: sRGB (IEC 61966-2-1) as a matrix profile of ICC version 2.1, written here so that no
//! profile's licence matters.

/// Red, green and blue of sRGB and the white point, adapted to D50 (Bradford), as s15Fixed16 numbers.
const COLORANTS: [(&[u8; 4], [u32; 3]); 4] = [
    (b"wtpt", [0xF6D6, 0x1_0000, 0xD32D]),
    (b"rXYZ", [0x6FA2, 0x38F5, 0x0390]),
    (b"gXYZ", [0x6299, 0xB785, 0x18DA]),
    (b"bXYZ", [0x24A0, 0x0F84, 0xB6CF]),
];
/// Entries of the tone curve.
const CURVE: usize = 1024;

/// The profile's bytes.
pub(super) fn srgb() -> Vec<u8> {
    let mut tags: Vec<(&[u8; 4], Vec<u8>)> =
        vec![(b"desc", description("sRGB IEC61966-2.1")), (b"cprt", text("No copyright, use freely"))];
    for (tag, xyz) in COLORANTS {
        let mut data = b"XYZ \0\0\0\0".to_vec();
        data.extend(xyz.iter().flat_map(|v| v.to_be_bytes()));
        tags.push((tag, data));
    }
    let directory = 128 + 4 + 12 * (tags.len() + 3);
    let curve_at = directory + tags.iter().map(|tag| tag.1.len().next_multiple_of(4)).sum::<usize>();
    let curve = curve();

    let mut profile = header((curve_at + curve.len()) as u32);
    profile.extend((tags.len() as u32 + 3).to_be_bytes());
    let mut at = directory;
    for (tag, data) in &tags {
        profile.extend(entry(tag, at, data.len()));
        at += data.len().next_multiple_of(4);
    }
    // the three channels share one curve
    for tag in [b"rTRC", b"gTRC", b"bTRC"] {
        profile.extend(entry(tag, curve_at, curve.len()));
    }
    for (_, data) in tags {
        profile.extend(data);
        profile.resize(profile.len().next_multiple_of(4), 0);
    }
    profile.extend(curve);
    profile
}

fn entry(tag: &[u8; 4], at: usize, length: usize) -> Vec<u8> {
    [tag.as_slice(), &(at as u32).to_be_bytes(), &(length as u32).to_be_bytes()].concat()
}

/// ICC.1:1998 6.1.
fn header(size: u32) -> Vec<u8> {
    let mut header = size.to_be_bytes().to_vec();
    header.extend([0; 4]); // no preferred colour engine
    header.extend(0x0210_0000u32.to_be_bytes()); // version 2.1
    header.extend(b"mntrRGB XYZ "); // a display, RGB, to XYZ
    header.extend([2025u16, 1, 1, 0, 0, 0].iter().flat_map(|v| v.to_be_bytes())); // fixed: no clock here
    header.extend(b"acsp");
    header.extend([0; 28]); // platform, flags, manufacturer, model, attributes, intent: perceptual
    header.extend([0xF6D6u32, 0x1_0000, 0xD32D].iter().flat_map(|v| v.to_be_bytes())); // D50
    header.resize(128, 0);
    header
}

fn description(name: &str) -> Vec<u8> {
    let mut data = b"desc\0\0\0\0".to_vec();
    data.extend((name.len() as u32 + 1).to_be_bytes());
    data.extend(name.as_bytes());
    data.push(0);
    data.extend([0; 8]); // no Unicode text
    data.extend([0; 3 + 67]); // no Macintosh text
    data
}

fn text(text: &str) -> Vec<u8> {
    [b"text\0\0\0\0", text.as_bytes(), b"\0"].concat()
}

/// Value to light, IEC 61966-2-1.
fn curve() -> Vec<u8> {
    let mut data = b"curv\0\0\0\0".to_vec();
    data.extend((CURVE as u32).to_be_bytes());
    for i in 0..CURVE {
        let value = i as f64 / (CURVE - 1) as f64;
        let light = if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) };
        data.extend(((light * 65_535.0).round() as u16).to_be_bytes());
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_in_the_header_is_the_size() {
        let profile = srgb();
        assert_eq!(u32::from_be_bytes([profile[0], profile[1], profile[2], profile[3]]) as usize, profile.len());
    }
}
