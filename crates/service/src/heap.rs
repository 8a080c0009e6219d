//! How the C library keeps what was freed. It counts for memory only: nothing here changes what a program does.
//!
//! Only glibc needs it; other C libraries are left as they are.
#![allow(unsafe_code)]

/// One heap for each core of a small server.
const ARENAS: i32 = 2;

/// Keeps the threads of this process to two heaps. By itself glibc makes one for each thread up to eight a core, and each grows to the most
/// that ever was in it: under load a service took three times the memory, and came to its full size only after many minutes. To be
/// called before there are threads.
pub fn share_between_threads() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it sets a number that later threads read; there is no other thread yet, and none would mind.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, ARENAS);
    }
}

/// Gives what was freed back to the system, also from the holes between what is in use.
pub fn give_back_free_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it may be called at any time and touches only what is free.
    unsafe {
        libc::malloc_trim(0);
    }
}
