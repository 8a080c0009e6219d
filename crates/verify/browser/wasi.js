// The few system calls (WASI preview 1) that sohoa-verify makes, over files in memory: it can read what was handed over and print, and
// nothing else. No clock, no network, no disk. Constants are those of the WASI snapshot_preview1 witx.

const BAD_DESCRIPTOR = 8, NOT_THERE = 44, NOT_IMPLEMENTED = 52;
const FOLDER = 3, FILE = 4, TERMINAL = 2;

/** Runs the module with those arguments over files (a Map of path below "/" to Uint8Array); gives exit code and what it printed. */
async function runWasi(module, args, files) {
  const open = new Map([[3, { folder: true }]]);
  const printed = { 1: "", 2: "" };
  const decoders = { 1: new TextDecoder(), 2: new TextDecoder() };
  let memory;
  const view = () => new DataView(memory.buffer);
  const bytes = (at, length) => new Uint8Array(memory.buffer, at, length);
  const text = (at, length) => new TextDecoder().decode(bytes(at, length).slice());
  const u32 = (at, value) => view().setUint32(at, value, true);
  const u64 = (at, value) => view().setBigUint64(at, BigInt(value), true);
  const encoded = args.map((arg) => new TextEncoder().encode(arg + "\0"));
  const stat = (at, type, size) => {
    bytes(at, 64).fill(0);
    view().setUint8(at + 16, type);
    u64(at + 24, 1);
    u64(at + 32, size);
    return 0;
  };
  const typeOf = (fd) => (fd < 3 ? TERMINAL : !open.has(fd) ? null : open.get(fd).folder ? FOLDER : FILE);
  const vectors = function* (at, count) {
    for (let i = 0; i < count; i++) yield [view().getUint32(at + 8 * i, true), view().getUint32(at + 8 * i + 4, true)];
  };
  const calls = {
    args_sizes_get: (count, size) => (u32(count, encoded.length), u32(size, encoded.reduce((n, arg) => n + arg.length, 0)), 0),
    args_get: (pointers, at) => {
      encoded.forEach((arg, i) => {
        u32(pointers + 4 * i, at);
        bytes(at, arg.length).set(arg);
        at += arg.length;
      });
      return 0;
    },
    environ_sizes_get: (count, size) => (u32(count, 0), u32(size, 0), 0),
    environ_get: () => 0,
    fd_prestat_get: (fd, at) => (fd !== 3 ? BAD_DESCRIPTOR : (u32(at, 0), u32(at + 4, 1), 0)),
    fd_prestat_dir_name: (fd, at) => (bytes(at, 1).set([0x2f]), 0),
    fd_fdstat_get: (fd, at) => {
      if (typeOf(fd) === null) return BAD_DESCRIPTOR;
      bytes(at, 24).fill(0);
      view().setUint8(at, typeOf(fd));
      bytes(at + 8, 16).fill(0xff);
      return 0;
    },
    fd_filestat_get: (fd, at) => (typeOf(fd) === null ? BAD_DESCRIPTOR : stat(at, typeOf(fd), open.get(fd)?.data?.length ?? 0)),
    path_filestat_get: (fd, flags, path, length, at) => {
      const data = files.get(text(path, length));
      return data ? stat(at, FILE, data.length) : NOT_THERE;
    },
    path_open: (dir, flags, path, length, oflags, rights, inherited, fdflags, result) => {
      const data = files.get(text(path, length));
      if (!data || oflags !== 0) return NOT_THERE;
      const fd = Math.max(...open.keys()) + 1;
      open.set(fd, { data, at: 0 });
      u32(result, fd);
      return 0;
    },
    fd_read: (fd, iovs, count, result) => {
      const file = open.get(fd);
      if (!file?.data) return BAD_DESCRIPTOR;
      let total = 0;
      for (const [at, length] of vectors(iovs, count)) {
        const piece = file.data.subarray(file.at, file.at + length);
        bytes(at, piece.length).set(piece);
        file.at += piece.length;
        total += piece.length;
      }
      u32(result, total);
      return 0;
    },
    fd_write: (fd, iovs, count, result) => {
      if (!decoders[fd]) return BAD_DESCRIPTOR;
      let total = 0;
      for (const [at, length] of vectors(iovs, count)) {
        printed[fd] += decoders[fd].decode(bytes(at, length).slice(), { stream: true });
        total += length;
      }
      u32(result, total);
      return 0;
    },
    fd_seek: (fd, offset, whence, result) => {
      const file = open.get(fd);
      if (!file?.data) return BAD_DESCRIPTOR;
      file.at = [0, file.at, file.data.length][whence] + Number(offset);
      u64(result, file.at);
      return 0;
    },
    fd_close: (fd) => (open.delete(fd), 0),
    random_get: (at, length) => (crypto.getRandomValues(bytes(at, length)), 0),
    proc_exit: (code) => {
      throw { exit: code };
    },
  };
  const imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    (imports[from] ??= {})[name] = calls[name] ?? (() => NOT_IMPLEMENTED);
  }
  const instance = await WebAssembly.instantiate(module, imports);
  memory = instance.exports.memory;
  let code = 0;
  try {
    instance.exports._start();
  } catch (end) {
    if (end?.exit === undefined) throw end;
    code = end.exit;
  }
  return { code, out: printed[1], err: printed[2] };
}
