//! The picture of a seal.

/// A red ring on nothing.
pub fn red_ring() -> Vec<u8> {
    let side = 200i32;
    let pixel = |x: i32, y: i32| {
        let far = (((x - 100).pow(2) + (y - 100).pow(2)) as f64).sqrt();
        if (80.0..95.0).contains(&far) { [200, 0, 0, 255] } else { [255, 255, 255, 0] }
    };
    let pixels: Vec<u8> = (0..side).flat_map(|y| (0..side).flat_map(move |x| pixel(x, y))).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side as u32, side as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    bytes
}
