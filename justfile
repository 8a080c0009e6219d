# What can be done here. `./bootstrap <recipe>` installs what a recipe needs and then runs it.

set shell := ["bash", "-euo", "pipefail", "-c"]

bin := env("CARGO_TARGET_DIR", justfile_directory() / "target") / "debug"
fuzz_targets := "child_protocol configuration register_csv manifest receipt keyring log add_checkpoint names_and_codes trust_policy text_object incoming_signatures session_cookie"
bin_released := parent_directory(bin) / "release"

[private]
default:
    @just --list --unsorted

# Build sohoa and take the sample papers from scan to proof, in data/demo
[group('1. start here')]
demo: build
    #!/usr/bin/env bash
    set -euo pipefail
    export PATH="{{ bin }}:$PATH"
    run() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }
    rm -rf data/demo
    mkdir -p data
    (umask 077; head -c 18 /dev/urandom | base64 >data/demo-password)
    run sohoa init data/demo --password-file data/demo-password
    shopt -s extglob
    papers=$PWD/fixtures
    cd data/demo
    sed -i "s|^units = \"\"|units = \"$papers/units.toml\"|" pipeline.toml # the invented units of the sample papers
    run sohoa ingest "$papers"/!(generator|receipts|tampered|log|keyring)/ --password-file ../demo-password || [ $? = 3 ] # 3: some documents failed, as meant
    run sohoa register import "$papers/register.csv"
    run sohoa report --year 2025
    run sohoa-verify archive --trust trust
    record=$(sohoa search 'quyet dinh' --limit 1 --json | sed -n '1s/.*"record":"\([^"]*\)".*/\1/p')
    run sohoa export "$record" --to taken-away
    cat <<END

    What to look at next, in data/demo (the programs are in {{ bin }}):
      $(find taken-away -name searchable.pdf | sort | tail -n 1)
                                       a searchable PDF/A: open it, search it, copy from it
      sohoa search 'quyet dinh'        find papers, typed with accents or without
      sohoa show $record
                                       one paper: its fields, and where its files are
      sohoa review list                what a person should look at, and why
      sohoa status                     what is where
    END

# Every check: format, lint, licences, all tests. CI runs this, no more and no less
[group('1. start here')]
test: format-check lint licences doctest && verify-page-check
    @[ -n "${SOHOA_CORPUS:-}" ] || echo "tests on real and hostile papers are LEFT OUT: SOHOA_CORPUS names no corpus (CI has one)"
    cargo nextest run --workspace --locked --profile ci {{ if env("SOHOA_CORPUS", "") == "" { "-E 'not binary(/^(corpus|hostile|decode_corpus|codes_corpus|looks_corpus|incoming_corpus|incoming_signatures|separators)$/) and not test(the_judge_calls_no_good_file)'" } else { "" } }}

alias check := test

# Tests that do not take every core; arguments go to nextest: `just quick -p sohoa-record`
[group('2. while you work')]
quick *ARGS:
    cargo nextest run --workspace -E 'not binary(/^(corpus|hostile|killed)$/)' {{ ARGS }}

# Tests of the programs as a whole: sohoa, its page child, sohoa-verify
[group('2. while you work')]
e2e *ARGS:
    cargo nextest run -p sohoa-service -p sohoa-verify -E 'kind(test)' {{ ARGS }}

# The rules of the house: what may depend on what, how sources look, links, configuration keys
[group('2. while you work')]
tidy:
    cargo nextest run -p sohoa-tidy --no-fail-fast

# Put all sources in their one form
[group('2. while you work')]
format:
    cargo fmt --all

# Draw the sample papers anew, from their seed; read the difference before you commit it
[group('2. while you work')]
fixtures:
    cargo run --locked --quiet -p sohoa-fixtures -- fixtures

# Make the counts of the correct stage anew, from lists of syllables and of pairs (plain or .gz)
[group('2. while you work')]
counts SYLLABLES PAIRS:
    cargo run --locked --quiet -p sohoa-digitize --example counts -- <(gzip -dcf "{{ SYLLABLES }}") <(gzip -dcf "{{ PAIRS }}") crates/digitize/src/correct/counts.bin

# Are the sample papers what the generator draws?
[group('3. single checks')]
fixtures-check:
    cargo run --locked --quiet -p sohoa-fixtures -- fixtures --check

# The examples in the documentation of the code
[group('3. single checks')]
doctest:
    cargo test --workspace --locked --doc --quiet

# Are all sources in their one form?
[group('3. single checks')]
format-check:
    cargo fmt --all --check

# What clippy and the compiler warn of
[group('3. single checks')]
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings
    cargo clippy -p sohoa-verify --no-default-features --locked -- -D warnings # the smaller program

# Licences, origins and known faults of the dependencies; reasons for exceptions are in deny.toml
[group('3. single checks')]
licences:
    cargo deny --locked --log-level error check --hide-inclusion-graph --allow duplicate licenses bans sources
    @if timeout 60 cargo deny fetch db >/dev/null 2>&1; then \
        cargo deny --locked check --hide-inclusion-graph advisories; \
    else \
        echo "advisories NOT checked: the RustSec database cannot be reached from here. Run \`just licences\` where it can."; \
    fi

# Feed every parser of outside bytes with made-up ones, so many seconds each, two at a time (10 min each: 45 min in all)
[group('3. single checks')]
fuzz SECONDS="600":
    #!/usr/bin/env bash
    set -euo pipefail
    # The flags that count coverage are unstable. The stable compiler takes them when told so; nothing that is shipped is built this way.
    export RUSTC_BOOTSTRAP=1
    cd fuzz
    cargo fuzz build --fuzz-dir .
    cargo fuzz run --fuzz-dir . seeds
    # AddressSanitizer comes along for its limit of one allocation: a length that lies must not cost memory.
    fuzz() {
        cargo fuzz run --fuzz-dir . "$1" -- -max_total_time={{ SECONDS }} -max_len=65536 -timeout=10 -malloc_limit_mb=256 -print_final_stats=1 >"$1.log" 2>&1 \
            && echo "ok       $1: $(grep -oP 'number_of_executed_units: \K.*' "$1.log") inputs" \
            || { echo "FINDING  $1: see fuzz/$1.log and fuzz/artifacts/$1"; return 1; }
    }
    export -f fuzz
    printf '%s\n' {{ fuzz_targets }} | xargs -P 2 -I{} bash -c 'fuzz {}'

# The same for ten seconds each: does every target still hold what it says?
[group('3. single checks')]
fuzz-short: (fuzz "10")

# Speed beside OCRmyPDF, time outside the engine, bytes stored; wants a quiet machine (about 10 min, 20 with SOHOA_CORPUS)
[group('3. single checks')]
bench *ARGS: release
    mkdir -p data
    cargo run --locked --release --quiet -p sohoa-benches -- --sohoa "{{ bin_released }}/sohoa" --work data --csv data/bench.csv {{ ARGS }}

# Memory of a job of 50 pages and of one of 1,000, which must be the same (about 20 min)
[group('3. single checks')]
bench-memory *ARGS: (bench "--memory" ARGS)

# The service with 50 stations that push for ten minutes, and somebody at the console (11 min; about 10 GB in data); wants a quiet machine
[group('3. single checks')]
bench-load *ARGS: (bench "--load" ARGS)

# How fast the transparency log takes a million leaves, and its proofs (some minutes; 2 GB in data/bench-log)
[group('3. single checks')]
bench-log LEAVES="1000000" BATCH="1000":
    rm -rf data/bench-log
    cargo run --locked --release --quiet -p sohoa-archive --example log_rate -- data/bench-log {{ LEAVES }} {{ BATCH }}

# How quick the index answers what screens ask, among a million records (some minutes; 3 GB in data/bench-index)
[group('3. single checks')]
bench-index RECORDS="1000000": release
    #!/usr/bin/env bash
    set -euo pipefail
    rm -rf data/bench-index
    cargo run --locked --release --quiet -p sohoa-archive --example index_rate -- data/bench-index {{ RECORDS }}
    # A service that has that index starts, and somebody looks at its console.
    folder=data/bench-index/home password=data/bench-index/password
    sohoa() { "{{ bin_released }}/sohoa" --config "$folder/pipeline.toml" --password-file "$password" "$@"; }
    (umask 077; head -c 18 /dev/urandom | base64 >"$password")
    "{{ bin_released }}/sohoa" init "$folder" --password-file "$password" >/dev/null
    sohoa ingest fixtures/notice-typed >/dev/null
    for role in reviewer administrator; do sohoa user new "$role" --name "$role" --role "$role" >/dev/null; done
    # Its index and log, and the log's key.
    rm -rf "$folder"/index.sqlite* "$folder"/archive/log "$folder"/keys/log.*
    mv data/bench-index/index.sqlite* "$folder"
    mv data/bench-index/archive/log "$folder"/archive
    cp data/bench-index/log.vkey "$folder"/keys
    sed -i "s|^log .*|log $(cat data/bench-index/log.vkey)|" "$folder"/trust
    (umask 077; { printf '\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20'; printf '\x01%.0s' {1..32}; } |
        openssl pkcs8 -topk8 -inform DER -v2 aes-256-cbc -passout "file:$password" -out "$folder"/keys/log.pem)
    sed -i 's|^listen = .*|listen = "127.0.0.1:0"|' "$folder/pipeline.toml"
    began=$(date +%s%3N)
    "{{ bin_released }}/sohoa" --config "$folder/pipeline.toml" --password-file "$password" serve >"$folder/out" &
    service=$!
    trap 'kill $service' EXIT
    until grep -q ^listens "$folder/out"; do sleep 0.01; kill -0 $service; done
    echo "serve listens after $(($(date +%s%3N) - began)) ms"
    address=$(sed -n 's/^listens *//p' "$folder/out")
    looks() { # ROLE PAGE: the first look, then forty
        local jar="$folder/$1.cookies"
        [ -e "$jar" ] || curl -sS -o /dev/null -c "$jar" --data-urlencode "login=$1" --data-urlencode "password@$password.bare" "$address/sign-in"
        for _ in {0..40}; do curl -sSf -o /dev/null -b "$jar" -w '%{time_total}\n' "$address$2"; done >"$folder/times"
        mapfile -t took < <(tail -n +2 "$folder/times" | sort -n)
        printf '%-28s first %s s, half within %s s, 95 of 100 within %s s\n' "$2" "$(head -n 1 "$folder/times")" "${took[19]}" "${took[37]}"
    }
    tr -d '\n' <"$password" >"$password.bare"
    looks reviewer /
    looks reviewer /search
    looks reviewer '/search?q=quyet+dinh'
    looks administrator /targets
    looks administrator '/targets?year=2022'
    looks administrator /system
    trap - EXIT
    kill $service
    wait $service
    rm -rf data/bench-index

# How fast an archive is audited on one core, beside sha256sum (2 min; 3 GB in data/bench-audit)
[group('3. single checks')]
bench-audit SMALL="5000" LARGE="8":
    rm -rf data/bench-audit
    cargo build --locked --release --quiet -p sohoa-verify --example audit_rate
    taskset -c 0 "{{ bin_released }}/examples/audit_rate" data/bench-audit {{ SMALL }} {{ LARGE }}
    rm -rf data/bench-audit

# The auditors' program as one page for a browser, which sends nothing: target/sohoa-verify.html, held against the native program (4 min)
[group('4. build')]
verify-page:
    rustup target add wasm32-wasip1
    cargo build --locked --quiet -p sohoa-verify --bin sohoa-verify
    CARGO_PROFILE_RELEASE_OPT_LEVEL=z CARGO_PROFILE_RELEASE_LTO=true CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 CARGO_PROFILE_RELEASE_STRIP=true \
        CARGO_PROFILE_RELEASE_PANIC=abort CARGO_PROFILE_RELEASE_DEBUG=false \
        cargo build --locked --release --quiet -p sohoa-verify --bin sohoa-verify --target wasm32-wasip1
    node crates/verify/browser/assemble.mjs "{{ parent_directory(bin) }}/wasm32-wasip1/release/sohoa-verify.wasm" "{{ parent_directory(bin) }}/sohoa-verify.html"
    node crates/verify/browser/check.mjs "{{ parent_directory(bin) }}/sohoa-verify.html" "{{ bin }}/sohoa-verify" fixtures

# The page of `verify-page`, built quickly and large: does it say what the native program says? (1.5 min)
[group('3. single checks')]
verify-page-check:
    #!/usr/bin/env bash
    set -euo pipefail
    if ! [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-wasip1" ] && ! timeout 120 rustup target add wasm32-wasip1; then
        echo "the page for browsers is NOT checked: Rust's target wasm32-wasip1 cannot be had here. Run \`just verify-page-check\` where it can."
        exit 0
    fi
    cargo build --locked --quiet --workspace --bin sohoa-verify # as the tests have built it
    CARGO_PROFILE_DEV_DEBUG=false cargo build --locked --quiet -p sohoa-verify --bin sohoa-verify --target wasm32-wasip1
    page="{{ parent_directory(bin) }}/sohoa-verify-check.html"
    node crates/verify/browser/assemble.mjs "{{ parent_directory(bin) }}/wasm32-wasip1/debug/sohoa-verify.wasm" "$page"
    node crates/verify/browser/check.mjs "$page" "{{ bin }}/sohoa-verify" fixtures

# Words and characters read, beside stock Tesseract and OCRmyPDF, page class by page class (about 20 min with SOHOA_CORPUS)
[group('3. single checks')]
accuracy *ARGS: (bench "--accuracy" ARGS)

# Drawn papers of every kind that need no person, fields vouched for and wrong among them; held-out papers unless SERIES is dev (about 20 min)
[group('3. single checks')]
straight-through SERIES="held" PAPERS="10": release
    rm -rf "data/straight-{{ SERIES }}"
    cargo run --locked --release --quiet -p sohoa-fixtures -- "data/straight-{{ SERIES }}" --series "{{ SERIES }}" "{{ PAPERS }}"
    cargo run --locked --release --quiet -p sohoa-benches -- --sohoa "{{ bin_released }}/sohoa" --work data --csv data/bench.csv --straight-through "data/straight-{{ SERIES }}"

# Both commands of the README with what is committed, in a bare Debian 12 (as root; about 5 GB in data/fresh)
[group('3. single checks')]
fresh +RECIPES='demo test':
    #!/usr/bin/env bash
    set -euo pipefail
    [ "$(id -u)" = 0 ] || { echo "just fresh: debootstrap and chroot want root: sudo ./bootstrap fresh" >&2; exit 1; }
    root=$PWD/data/fresh
    rm -rf --one-file-system "$root"
    mkdir -p "$root"
    # The bare system, from where this machine has its own packages.
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Component: main' 2>/dev/null | head -n 1)
    echo "== debootstrap, into data/fresh"
    debootstrap --variant=minbase bookworm "$root" ${mirror:+"$mirror"} >data/debootstrap.log || { tail data/debootstrap.log >&2; exit 1; }
    # How this machine reaches its package registries: settings, name service, certificates.
    if [ -f /etc/resolv.conf ]; then cp -L /etc/resolv.conf "$root/etc/"; fi
    if [ -f /etc/apt/sources.list.d/debian.sources ]; then rm "$root/etc/apt/sources.list"; fi
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources $(grep -ls Acquire /etc/apt/apt.conf /etc/apt/apt.conf.d/*) /etc/pip.conf; do
        if [ -f "$file" ]; then install -D -m 644 "$file" "$root$file"; fi
    done
    for file in .cargo/config.toml .config/pip/pip.conf; do
        if [ -f "$HOME/$file" ]; then install -D -m 644 "$HOME/$file" "$root/root/$file"; fi
    done
    settings=(HOME=/root TERM="${TERM:-dumb}" PATH=/opt/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin)
    if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
        cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/host-ca.crt"
        settings+=(SSL_CERT_FILE=/etc/host-ca.crt PIP_CERT=/etc/host-ca.crt CARGO_HTTP_CAINFO=/etc/host-ca.crt)
    fi
    while IFS= read -r setting; do settings+=("$setting"); done < <(env | grep -iE '^(https?_proxy|no_proxy|PIP_(INDEX|TRUSTED|PROXY)[A-Z_]*|CARGO_(HTTP|NET|REGISTR)[A-Z_]*)=' | grep -v CAINFO)
    # What a newcomer has: a clone and a Rust toolchain. The corpus of real papers comes along where this machine has it.
    git clone --quiet --no-hardlinks . "$root/root/sohoa"
    mkdir -p "$root/opt/rust"
    if [ -n "${SOHOA_CORPUS:-}" ]; then mkdir -p "$root/opt/corpus"; settings+=(SOHOA_CORPUS=/opt/corpus); fi
    # Mounts are seen by this command alone and are gone with it.
    export root toolchain="$(rustc --print sysroot)"
    for recipe in {{ RECIPES }}; do
        echo "== ./bootstrap $recipe, in a bare Debian 12"
        SECONDS=0
        unshare --mount --propagation private bash -euc '
            mount --bind -o ro "$toolchain" "$root/opt/rust"
            mount -t proc proc "$root/proc"
            mount --rbind /dev "$root/dev"
            if [ -d "$root/opt/corpus" ]; then mount --bind -o ro "$SOHOA_CORPUS" "$root/opt/corpus"; fi
            exec chroot "$root" env -i "$@"' fresh "${settings[@]}" bash -c 'cd /root/sohoa && exec ./bootstrap "$1"' fresh "$recipe"
        echo "== ./bootstrap $recipe took $((SECONDS / 60)) min $((SECONDS % 60)) s"
    done

# The programs, as used by demo and tests
[group('4. build')]
build:
    cargo build --locked -p sohoa-service -p sohoa-verify

# The programs, as fast as they get (twice the time to build), in target/release
[group('4. build')]
release:
    cargo build --locked --release -p sohoa-service -p sohoa-verify

# Tesseract built from Debian's source for this processor, into target/engine: a third faster, never needed (about 5 min)
[group('4. build')]
engine: release
    #!/usr/bin/env bash
    set -euo pipefail
    version=$(dpkg-query -W -f '${source:Version}' libtesseract5)
    engine="{{ parent_directory(bin) }}/engine"
    mkdir -p "$engine/lists/partial"
    cd "$engine"
    # This machine's own Debian mirrors, asked for sources; what is installed and configured stays as it is.
    apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' | sort -u >sources.list
    apt=(apt-get -qq -o Dir::Etc::sourcelist="$PWD/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$PWD/lists"
        -o Dir::Cache::srcpkgcache= -o Dir::Cache::pkgcache= -o APT::Sandbox::User=root)
    "${apt[@]}" update
    "${apt[@]}" source --download-only "tesseract=$version" # apt checks its signature and its sums
    rm -rf source lib
    mkdir source lib
    tar --extract --file tesseract_*.orig.tar.gz --directory source --strip-components 1
    cd source
    # No second thread a page (a page child has one core), no PNG of each line, no part that is not used; the rest is the compiler's.
    # -ffp-contract=off: fused operations round otherwise, which changes confidence and now and then an accent.
    ./autogen.sh >../build.log 2>&1
    ./configure --disable-openmp --disable-graphics --disable-static --disable-doc --without-curl --without-archive \
        CXXFLAGS='-O3 -march=native -ffp-contract=off -flto=auto -fno-plt -DNDEBUG -DTESSERACT_IMAGEDATA_AS_PIX' LDFLAGS='-flto=auto -O3' >>../build.log 2>&1
    make --jobs "$(nproc)" libtesseract.la >>../build.log 2>&1
    cp --no-dereference .libs/libtesseract.so* ../lib/
    cd "{{ justfile_directory() }}"
    just same-text "$engine/lib"
    echo "It is in $engine/lib. With it:  LD_LIBRARY_PATH=$engine/lib sohoa ingest …  and for figures  just bench --engine $engine/lib"

# Does sohoa read the same text with the engine of another folder, to the last letter, place and confidence, on every sample paper?
[private]
same-text LIBRARIES:
    #!/usr/bin/env bash
    set -euo pipefail
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    read_with() { LD_LIBRARY_PATH=$2 "{{ bin_released }}/sohoa" digitize "$1" "$work/out.pdf" --force --text "$3" >/dev/null; }
    LD_LIBRARY_PATH="{{ LIBRARIES }}" ldd "{{ bin_released }}/sohoa" | grep -qF "{{ LIBRARIES }}" # else both were the same engine
    files=0
    for paper in $(find fixtures -path fixtures/tampered -prune -o -path fixtures/receipts -prune -o -path fixtures/log -prune -o -type f -regex ".*[.]\(jpg\|png\|tif\|pdf\)" -print); do
        read_with "$paper" "" "$work/stock"
        read_with "$paper" "{{ LIBRARIES }}" "$work/other"
        cmp "$work/stock" "$work/other" || { echo "$paper: another text"; exit 1; }
        files=$((files + 1))
    done
    echo "the same text with both engines, in $files sample papers"

# Remove what demo and fresh made
[group('4. build')]
clean-data:
    rm -rf --one-file-system data
