# build.sh: what ./run and ./check share. Sourced by bash from the top of the repository.

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
[[ -t 2 ]] || say() { printf '==> %s\n' "$*" >&2; }

die() {
    printf 'error: %s\n' "$1" >&2
    shift
    (($# == 0)) || printf '       %s\n' "$@" >&2
    exit 1
}

# Prints the packages of the named sections of cmake/packages.txt, one a line.
packagesOf() {
    local wanted=" $* " section="" line
    while IFS= read -r line; do
        line=${line%%#*}
        line=${line//[[:space:]]/}
        case $line in
            "") ;;
            "["*"]") section=${line:1:-1} ;;
            *) [[ $wanted == *" $section "* ]] && printf '%s\n' "$line" ;;
        esac
    done <cmake/packages.txt
    return 0
}

# installPackages SECTION...: installs what is missing and does nothing, quickly, if nothing is.
installPackages() {
    local package missing=() packages=() installed
    mapfile -t packages <<<"$(packagesOf "$@")"
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        say "This is not Debian: I cannot install packages here and hope that these are present: ${packages[*]}"
        return 0
    fi
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
    for package in "${packages[@]}"; do
        grep -qxF "installed $package" <<<"$installed" || missing+=("$package")
    done
    ((${#missing[@]})) || return 0

    local asRoot=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || die "these Debian packages are missing, and there is no sudo here to install them:" \
            "${missing[*]}" "As root, run: apt-get install --no-install-recommends ${missing[*]}" "Then start me again."
        if [[ -t 0 ]]; then asRoot=(sudo); else asRoot=(sudo -n); fi
        "${asRoot[@]}" true || die "these Debian packages are missing, and sudo did not let me install them:" \
            "${missing[*]}" "Run: sudo apt-get install --no-install-recommends ${missing[*]}" "Then start me again."
    fi
    say "Installing ${#missing[@]} missing Debian packages${asRoot:+ through sudo}: ${missing[*]}"
    local apt=("${asRoot[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Dpkg::Use-Pty=0
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
    # The package lists of a fresh or old machine may lack a package or name a version that is gone,
    # so a failed install is tried once more with new lists.
    if ! "${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null >&2; then
        say "Fetching new package lists"
        "${apt[@]}" update </dev/null >&2 || die "apt-get could not fetch the package lists." \
            "Installing needs the network this once; Conclave itself never does. Connect, then start me again."
        "${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null >&2 ||
            die "apt-get could not install: ${missing[*]}" "Its messages above say why. Solve that, then start me again."
    fi
}

# configureAndBuild PRESET [TARGET...]: ninja configures again by itself when a CMakeLists.txt
# changes, but does not watch the presets.
# Two at once would write the same files, so the second waits. The lock is on descriptor 9, which
# must not reach the program that ./run starts.
configureAndBuild() {
    local preset=$1 folder=build/$1 status=0
    shift
    mkdir -p build
    exec 9>build/.lock
    flock -n 9 || { say "Another build is running here; waiting for it"; flock 9; }
    build "$preset" "$folder" "$@" || status=$?
    exec 9>&-
    return $status
}

build() {
    local preset=$1 folder=$2
    shift 2
    if [[ ! -f $folder/build.ninja || CMakePresets.json -nt $folder/build.ninja ]]; then
        say "Configuring $folder"
        cmake --preset "$preset" >build/configure.log 2>&1 ||
            { cat build/configure.log >&2; die "configuring failed; the messages above say why."; }
    fi
    local targets=()
    (($#)) && targets=(--target "$@")
    cmake --build "$folder" --parallel "$(nproc)" "${targets[@]}"
}
