//! Styles, scripts and fonts, in the program itself: an isolated network has no other place for them. What is not ours is kept as it
//! came, with its licence beside it: htmx 4.0.1 with its extension for server-sent events (0BSD), Be Vietnam Pro (OFL-1.1).

/// A file that pages ask for.
#[derive(Debug)]
pub struct Asset {
    /// Its name below `/assets/`.
    pub name: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: &'static [u8],
}

macro_rules! assets {
    ($($name:literal, $media_type:literal;)*) => {
        /// All of them.
        pub const ALL: &[Asset] = &[$(Asset { name: $name, media_type: $media_type, bytes: include_bytes!(concat!("../assets/", $name)) }),*];
    };
}

assets! {
    "console.css", "text/css; charset=utf-8";
    "console.js", "text/javascript; charset=utf-8";
    "htmx.min.js", "text/javascript; charset=utf-8";
    "hx-sse.min.js", "text/javascript; charset=utf-8";
    "icon.svg", "image/svg+xml";
    "fonts/be-vietnam-pro-latin-400-normal.woff2", "font/woff2";
    "fonts/be-vietnam-pro-latin-600-normal.woff2", "font/woff2";
    "fonts/be-vietnam-pro-vietnamese-400-normal.woff2", "font/woff2";
    "fonts/be-vietnam-pro-vietnamese-600-normal.woff2", "font/woff2";
}

/// The file of that name.
pub fn find(name: &str) -> Option<&'static Asset> {
    ALL.iter().find(|asset| asset.name == name)
}
