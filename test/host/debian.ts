import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadVersion, type Sections } from "./loaded";
import { bashWithStore } from "./manager";

/** dpkg, apt and what they say, as Debian 12's do: a folder for each fact, a file for each package. */
const COMMANDS: Record<string, string> = {
  "dpkg-query": `
    missing=0 format=$3
    shift 4
    for name; do
      if [[ ! -e $D/state/$name ]]; then
        [[ -e $D/silent/$name ]] || echo "dpkg-query: no packages found matching $name" >&2
        missing=1
      elif [[ $format == *Conffiles* ]]; then
        while read -r path; do echo " $path $(md5sum <<<default | cut -d ' ' -f 1)"; done <<<"$(cat "$D/conffiles/$name" 2>/dev/null)"
      else
        wish=install
        [[ ! -e $D/hold/$name ]] || wish=hold
        state=$(cat "$D/state/$name"); if [ "$state" = not-installed ]; then echo "$name $state $wish "; else echo "$name $state $wish amd64"; fi
      fi
    done
    exit $missing`,
  "apt-cache": `
    shift 2
    for name; do
      [[ ! -e $D/heard/$name ]] || printf '%s:\\n  Installed: (none)\\n  Candidate: (none)\\n' "$name"
      [[ ! -e $D/known/$name ]] || printf '%s:\\n  Installed: (none)\\n  Candidate: 26.1\\n  Version table:\\n     26.1 500\\n' "$name"
    done`,
  "apt-mark": `
    case $1 in
      showhold) ls "$D/hold" ;;
      *) for name in "\${@:2}"; do [[ ! -e $D/manual/$name ]] || echo "$name"; done ;;
    esac`,
  "apt-get": `
    declare -A seen=()
    plan=()
    visit() {
      [[ -z \${seen[$1]-} && $(cat "$D/state/$1" 2>/dev/null) != installed ]] || return 0
      seen[$1]=1
      if [[ ! -e $D/known/$1 ]]; then echo "E: Unable to locate package $1" >&2; return 1; fi
      local name
      for name in $(cat "$D/depends/$1" 2>/dev/null); do visit "$name" || return 1; done
      plan+=("$1")
    }
    simulate='' remove=yes names=()
    echo "apt-get \${*: -3}" >>"$D/log"
    while (($# > 0)); do
      case $1 in
        -o) shift ;;
        -s) simulate=yes ;;
        --no-remove) remove= ;;
        update) cat "$D/update" >&2 2>/dev/null; rm -f "$D/update"; touch "$D/updated"; exit 0 ;;
        -*|install) ;;
        *) names+=("$1") ;;
      esac
      shift
    done
    if [[ -z $simulate ]]; then
      for file in "$D"/fails/*; do cat "$file" >&2; rm "$file"; exit 100; done
    fi
    for name in "\${names[@]}"; do visit "$name" || exit 100; done
    conflicts=()
    for name in "\${plan[@]}"; do conflicts+=($(cat "$D/conflicts/$name" 2>/dev/null)); done
    if [[ -n $simulate ]]; then
      for name in "\${conflicts[@]}"; do echo "Remv $name [1]"; done
      for name in "\${plan[@]}"; do echo "Inst $name (1 Debian:12/stable [amd64])"; done
      exit 0
    fi
    if ((\${#conflicts[@]} > 0)) && [[ -z $remove ]]; then echo "E: Packages need to be removed but remove is disabled." >&2; exit 100; fi
    for name in "\${plan[@]}"; do
      echo installed >"$D/state/$name"
      for path in $(cat "$D/conffiles/$name" 2>/dev/null); do [[ -e $path ]] || echo default >"$path"; done
      for unit in $(cat "$D/starts/$name" 2>/dev/null); do
        status=0
        [[ ! -x $D/../policy-rc.d ]] || "$D/../policy-rc.d" "$unit" start || status=$?
        ((status == 101)) || touch "$D/started/$unit"
      done
    done
    for name in "\${names[@]}"; do touch "$D/manual/$name"; done`,
  dpkg: `
    status=0
    echo "dpkg $*" >>"$D/log"
    case $1 in --force-confold) rm -f "$D/interrupted"; exit 0 ;; esac
    needs() { grep -lE "(^| )$1( |$)" "$D"/depends/* 2>/dev/null; }
    for pass in 1 2 3; do
      for name in "\${@:2}"; do
        [[ -e $D/state/$name ]] || continue
        [[ ! -e $D/broken/$name ]] || continue
        free=yes
        for other in $(needs "$name"); do [[ $(cat "$D/state/\${other##*/}" 2>/dev/null) != installed ]] || free=; done
        [[ -n $free ]] || continue
        if [[ $1 == --purge || ! -e $D/conffiles/$name ]]; then
          rm "$D/state/$name" $(cat "$D/conffiles/$name" 2>/dev/null)
        else
          echo config-files >"$D/state/$name"
        fi
      done
    done
    for name in "\${@:2}"; do
      [[ $(cat "$D/state/$name" 2>/dev/null) == installed ]] || continue
      status=1
      if [[ -e $D/broken/$name ]]; then
        printf 'dpkg: error processing package %s (%s):\\n installed %s package pre-removal script subprocess returned error exit status 1\\n' "$name" "$1" "$name" >&2
      else
        printf 'dpkg: dependency problems prevent removal of %s:\\n other depends on %s.\\n' "$name" "$name" >&2
      fi
    done
    exit $status`,
};

/** Where nothing is loaded: a block of lines for each unit. What is no question is a call. */
const SYSTEMCTL = `
    if [[ $1 != show ]]; then echo "systemctl $*" >>"$D/log"; exit 0; fi
    separator=''
    for unit in "\${@:5}"; do printf '%sUnitFileState=\\nActiveState=inactive\\n' "$separator"; separator=$'\\n'; done`;

const FACTS =
  "state known heard depends conflicts conffiles manual hold silent broken fails starts started".split(" ");

/** A host with packages of its own. */
export class Debian {
  constructor(readonly folder: string) {
    for (const fact of FACTS) mkdirSync(join(folder, "debian", fact), { recursive: true });
    mkdirSync(join(folder, "bin"));
    for (const [name, text] of Object.entries({ ...COMMANDS, systemctl: SYSTEMCTL })) {
      const path = join(folder, "bin", name);
      writeFileSync(path, `#!/bin/bash\nshopt -s nullglob\nD=${folder}/debian\n${text}\n`);
      chmodSync(path, 0o755);
    }
  }

  /** Packages that the mirror has, with what each depends on. */
  mirror(packages: Record<string, string>): void {
    for (const [name, depends] of Object.entries(packages)) {
      writeFileSync(join(this.folder, "debian/known", name), "");
      writeFileSync(join(this.folder, "debian/depends", name), `${depends}\n`);
    }
  }

  set(fact: string, name: string, text = ""): void {
    writeFileSync(join(this.folder, "debian", fact, name), text === "" ? "" : `${text}\n`);
  }

  unset(fact: string, name: string): void {
    rmSync(join(this.folder, "debian", fact, name));
  }

  /** What the next update of the package lists says. */
  nextUpdateSays(text: string): void {
    writeFileSync(join(this.folder, "debian/update"), `${text}\n`);
  }

  get installed(): string[] {
    const state = join(this.folder, "debian/state");
    return readdirSync(state)
      .filter((name) => readFileSync(join(state, name), "utf8") === "installed\n")
      .sort();
  }

  stateOf(name: string): string | undefined {
    const path = join(this.folder, "debian/state", name);
    return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
  }

  /** What was called since the last time, without what only asks. */
  get calls(): string[] {
    const path = join(this.folder, "debian/log");
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    writeFileSync(path, "");
    return text.split("\n").filter((line) => line !== "");
  }

  get remembered(): string[] {
    return readdirSync(join(this.folder, "state/originals")).sort();
  }

  /** Units that package scripts have started. */
  get started(): string[] {
    return readdirSync(join(this.folder, "debian/started")).sort();
  }

  /** From one set of packages to another; what it said, with its status at the end. */
  converge(was: readonly string[], want: readonly string[]): string[] {
    const sections = (names: readonly string[]): Sections => ({
      packages: Object.fromEntries(names.map((name) => [name, { "": "present" }])),
    });
    return this.change(sections(was), sections(want));
  }

  /** From one version of a bundle to another, as far as packages go. */
  change(was: Sections, want: Sections): string[] {
    return this.run(
      `${loadVersion(this.folder, "WAS", was)} ${loadVersion(this.folder, "WANT", want)}
      both() { install_packages; release_scripts; remove_packages; }
      look
      attempt both
      echo "status $STATUS"`,
    );
  }

  /** Looks at the host with this bundle in force, and runs the text. */
  look(want: Sections, text: string): string[] {
    return this.run(`${loadVersion(this.folder, "WANT", want)} observe_packages WANT\n${text}`);
  }

  run(text: string): string[] {
    return bashWithStore(`exec 2>&1\nPATH=${this.folder}/bin:$PATH NAME=app\n${text}`, this.folder, {
      START_POLICY: join(this.folder, "policy-rc.d"),
    })
      .split("\n")
      .filter((line) => line !== "");
  }
}
