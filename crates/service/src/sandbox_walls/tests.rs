//! Behind the walls nothing works but reading pages. Each test starts this very program again: there it walls itself in, tries what
//! must not work, and tells.

use super::*;
use rustix::process::Signal;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// Tells a test that it runs behind the walls, and what to try.
const INSIDE: &str = "SOHOA_BEHIND_WALLS";
const THIS: &str = "sandbox_walls::tests::behind_the_walls";

fn spec() -> ChildSpec {
    ChildSpec {
        program: None,
        require_walls: true,
        model: "none".into(),
        recording: "".into(),
        roots: "".into(),
        language: "vie".into(),
        reading: Default::default(),
        limits: sohoa_digitize::Limits { max_source_bytes: 64 << 20, ..Default::default() },
        memory_bytes: 400 << 20,
        open_time: Duration::from_secs(1),
        page_time: Duration::from_secs(1),
    }
}

/// Not a test by itself: what the others start.
#[test]
fn behind_the_walls() {
    let Ok(what) = std::env::var(INSIDE) else { return };
    let before = std::fs::OpenOptions::new().append(true).open("grows").unwrap();
    let walls = wall_in(&spec());
    for wall in walls.iter().filter(|wall| !wall.stands) {
        println!("\nMISSING {} {}", wall.name, wall.detail);
    }
    println!("\nWALLED");
    match what.as_str() {
        "tell" => tell(),
        "wait" => drop(std::io::stdin().read_line(&mut String::new())),
        "grow" => drop((&before).write_all(b"more")),
        "spin" => {
            grant_time(spec().page_time);
            let mut x = 1u64;
            loop {
                x = std::hint::black_box(x.wrapping_mul(3));
            }
        }
        "abort" => std::process::abort(),
        "eat" => {
            let mut eaten = Vec::new();
            loop {
                eaten.push(vec![1u8; 10 << 20]);
            }
        }
        other => panic!("{other}?"),
    }
    std::process::exit(0);
}

/// Tries everything, and prints what came of it.
fn tell() {
    let say = |what: &str, result: std::io::Result<()>| match result {
        Ok(()) => println!("WORKS {what}"),
        Err(error) => println!("FAILS {what} {}", error.raw_os_error().unwrap_or(-1)),
    };
    for (name, arguments, number) in calls() {
        // SAFETY: none of these calls is let through, which is what this is about; if one were, it would at worst harm this process,
        // which exists to be harmed, and its arguments name no memory but a static string.
        let result = unsafe { libc::syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4]) };
        let error = std::io::Error::last_os_error();
        if name.starts_with("clone") && result == 0 {
            std::process::exit(0); // the child that must not be
        }
        say(&format!("call:{name}"), if result == -1 { Err(error) } else { Ok(()) });
    }
    say("file:/etc/passwd", std::fs::read("/etc/passwd").map(drop));
    say("file:/proc/self/environ", std::fs::read("/proc/self/environ").map(drop));
    say("file:../secret", std::fs::read("../secret").map(drop));
    say("file:create", std::fs::write("new", b"x"));
    say("file:write source", std::fs::OpenOptions::new().write(true).open("source").map(drop));
    say("file:remove source", std::fs::remove_file("source"));
    say("process", Command::new("/bin/true").status().map(drop));
    say("thread", std::thread::Builder::new().spawn(|| ()).map(drop));
    say("network", std::net::TcpStream::connect("127.0.0.1:22").map(drop));
    say("name service", std::net::UdpSocket::bind("127.0.0.1:0").map(drop));
    let reserve =
        |bytes: usize| Vec::<u8>::new().try_reserve_exact(bytes).map_err(|_| std::io::Error::from_raw_os_error(libc::ENOMEM));
    say("memory:500 MB", reserve(500 << 20));
    say("ok:memory 50 MB", reserve(50 << 20));
    say("ok:source", std::fs::read("source").map(drop));
    let _ = std::time::Instant::now();
    say("ok:time", Ok(()));
}

fn calls() -> Vec<(&'static str, [i64; 5], i64)> {
    let parent = i64::from(std::os::unix::process::parent_id());
    let path = c"/etc/passwd".as_ptr() as i64;
    let here = i64::from(libc::AT_FDCWD);
    #[allow(unused_mut)]
    let mut calls = vec![
        ("socket inet", [libc::AF_INET.into(), libc::SOCK_STREAM.into(), 0, 0, 0], libc::SYS_socket),
        ("socket unix", [libc::AF_UNIX.into(), libc::SOCK_STREAM.into(), 0, 0, 0], libc::SYS_socket),
        ("socket netlink", [libc::AF_NETLINK.into(), libc::SOCK_RAW.into(), 0, 0, 0], libc::SYS_socket),
        ("clone", [libc::SIGCHLD.into(), 0, 0, 0, 0], libc::SYS_clone),
        ("clone3", [0, 0, 0, 0, 0], libc::SYS_clone3),
        ("execve", [path, 0, 0, 0, 0], libc::SYS_execve),
        ("execveat", [here, path, 0, 0, 0], libc::SYS_execveat),
        ("ptrace parent", [libc::PTRACE_ATTACH.into(), parent, 0, 0, 0], libc::SYS_ptrace),
        ("kill parent", [parent, 0, 0, 0, 0], libc::SYS_kill),
        ("tgkill parent", [parent, parent, 0, 0, 0], libc::SYS_tgkill),
        ("pidfd_open parent", [parent, 0, 0, 0, 0], libc::SYS_pidfd_open),
        ("process_vm_readv parent", [parent, 0, 0, 0, 0], libc::SYS_process_vm_readv),
        ("prlimit parent", [parent, libc::RLIMIT_CPU.into(), 0, 0, 0], libc::SYS_prlimit64),
        ("prlimit memory", [0, libc::RLIMIT_DATA.into(), 0, 0, 0], libc::SYS_prlimit64),
        ("prctl dumpable", [libc::PR_SET_DUMPABLE.into(), 1, 0, 0, 0], libc::SYS_prctl),
        ("setuid", [0, 0, 0, 0, 0], libc::SYS_setuid),
        ("mount", [path, path, 0, 0, 0], libc::SYS_mount),
        ("chroot", [path, 0, 0, 0, 0], libc::SYS_chroot),
        ("chdir", [path, 0, 0, 0, 0], libc::SYS_chdir),
        ("unshare", [libc::CLONE_NEWUSER.into(), 0, 0, 0, 0], libc::SYS_unshare),
        ("setns", [0, 0, 0, 0, 0], libc::SYS_setns),
        ("bpf", [0, 0, 0, 0, 0], libc::SYS_bpf),
        ("io_uring_setup", [1, 0, 0, 0, 0], libc::SYS_io_uring_setup),
        ("userfaultfd", [0, 0, 0, 0, 0], libc::SYS_userfaultfd),
        ("perf_event_open", [0, 0, 0, 0, 0], libc::SYS_perf_event_open),
        ("keyctl", [0, 0, 0, 0, 0], libc::SYS_keyctl),
        ("memfd_create", [path, 0, 0, 0, 0], libc::SYS_memfd_create),
        ("open to write", [here, path, libc::O_RDWR.into(), 0, 0], libc::SYS_openat),
        ("open to make", [here, path, libc::O_CREAT.into(), 0o600, 0], libc::SYS_openat),
        ("openat2", [here, path, 0, 0, 0], libc::SYS_openat2),
        ("stat by handle", [here, path, 0, 0, 0], libc::SYS_name_to_handle_at),
        ("unlinkat", [here, path, 0, 0, 0], libc::SYS_unlinkat),
        ("mkdirat", [here, path, 0, 0, 0], libc::SYS_mkdirat),
        ("linkat", [here, path, here, path, 0], libc::SYS_linkat),
        ("fchmodat", [here, path, 0o777, 0, 0], libc::SYS_fchmodat),
        ("truncate", [path, 0, 0, 0, 0], libc::SYS_truncate),
        ("ioctl", [1, 0x5412, path, 0, 0], libc::SYS_ioctl), // TIOCSTI: types into the terminal
        (
            "mmap code",
            [0, 4096, (libc::PROT_READ | libc::PROT_EXEC).into(), (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS).into(), -1],
            libc::SYS_mmap,
        ),
        ("mprotect code", [0, 4096, libc::PROT_EXEC.into(), 0, 0], libc::SYS_mprotect),
        ("seccomp", [0, 0, 0, 0, 0], libc::SYS_seccomp),
        ("reboot", [0, 0, 0, 0, 0], libc::SYS_reboot),
        ("shmget", [0, 4096, 0o600, 0, 0], libc::SYS_shmget),
    ];
    #[cfg(target_arch = "x86_64")]
    calls.push(("clone by fork", [0, 0, 0, 0, 0], libc::SYS_fork));
    calls
}

/// Starts this program behind its walls, in a folder with a source.
fn inside(what: &str, folder: &Path) -> Child {
    let here = folder.join("child");
    std::fs::create_dir_all(&here).unwrap();
    for (path, bytes) in
        [(here.join("source"), "a scan"), (here.join("grows"), ""), (folder.join("secret"), "no child's business")]
    {
        std::fs::write(path, bytes).unwrap();
    }
    Command::new(std::env::current_exe().unwrap())
        .args([THIS, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, what)
        .current_dir(here)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn outcome(what: &str) -> (ExitStatus, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = inside(what, folder.path()).wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("WALLED"), "{:?}: {told}", output.status);
    assert!(!told.contains("MISSING"), "this machine lacks a wall, so nothing is proven: {told}");
    (output.status, told)
}

#[test]
fn only_the_source_memory_and_time_are_left() {
    let (status, told) = outcome("tell");
    assert!(status.success(), "{status}: {told}");
    let lines: Vec<&str> = told.lines().filter(|line| line.starts_with("WORKS ") || line.starts_with("FAILS ")).collect();
    assert!(lines.len() >= calls().len() + 14, "{told}");
    for line in lines {
        let works = line.starts_with("WORKS ");
        assert_eq!(works, line.starts_with("WORKS ok:"), "{line}");
        if line.starts_with("FAILS call:") {
            assert!(line.ends_with(&format!(" {}", libc::EPERM)), "{line}: refused for another reason than the list of calls");
        }
    }
}

#[test]
fn the_kernel_itself_says_that_the_walls_stand() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = inside("wait", folder.path());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "WALLED"));
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", child.id())).unwrap();
    // the test harness may run it in a thread of its own: the walls of calls and powers stand around that one
    let tasks = std::fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
    let statuses = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("status")).unwrap());
    let status = statuses.max_by_key(|status| status.contains("Seccomp:\t2")).unwrap();
    for line in
        ["CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapInh:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"]
    {
        assert!(status.contains(line), "{line} is not in {status}");
    }
    let limits = read("limits");
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().take(2).map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(limit("Max core file size"), ["0", "0"]);
    assert_eq!(limit("Max file size"), ["0", "0"]);
    assert_eq!(limit("Max open files"), ["64", "64"]);
    assert_eq!(limit("Max data size"), [(400 << 20).to_string(), (400 << 20).to_string()]);
    assert_eq!(limit("Max cpu time"), ["402", "402"]); // 2 s for each of 200 pages, and once more
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn who_goes_over_a_limit_ends() {
    let signal = |what| outcome(what).0.signal();
    assert_eq!(signal("spin"), Some(Signal::XCPU.as_raw()), "time");
    assert_eq!(signal("eat"), Some(Signal::ABORT.as_raw()), "memory");
    assert_eq!(signal("grow"), Some(Signal::XFSZ.as_raw()), "a file that was open before");
    assert_eq!(signal("abort"), Some(Signal::ABORT.as_raw()), "an abort is still an abort");
}
