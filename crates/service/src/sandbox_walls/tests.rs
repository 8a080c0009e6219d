//! Behind the walls nothing works but reading pages.
