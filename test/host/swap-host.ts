import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { loadVersion, type Sections } from "./loaded";
import { bashWithStore, inFolder } from "./manager";

const MiB = 1024 ** 2;
const PAGE = 4096;

/**
 * The kernel's swap, as a file that says what is on. REFUSED holds what it refuses ("swapon /a"), LIES what it only says
 * it did; USED holds "PATH BYTES". The folders of a test are nobody's but ours.
 */
const KERNEL = `
  REFUSED= LIES= USED= PAGE_SIZE=${PAGE}
  # What the test of the real one calls.
  eval "real_$(declare -f unsafe_folder)"
  unsafe_folder() { REPLY=; }
  # It has something to say of a file that is not root's.
  mkswap() { command mkswap "$@" 2>/dev/null; }
  refuses() { if [[ " $REFUSED " == *" $1 "* ]]; then echo "$1: Cannot allocate memory" >&2; ANSWER=yes; else ANSWER=; fi; }
  swapon() {
    local path=\${!#} priority=-2 kib used=0
    refuses "swapon \${path##*/}"
    [[ -z $ANSWER ]] || return 1
    ! [[ "$*" =~ (-p\\ |pri=)([0-9]+) ]] || priority=\${BASH_REMATCH[2]}
    if ! cmp -s -n 10 -i $((PAGE_SIZE - 10)):0 -- "$path" - <<<SWAPSPACE2; then
      echo "swapon: $path: read swap header failed" >&2
      return 1
    fi
    [[ " $LIES " != *" swapon \${path##*/} "* ]] || return 0
    kib=$(($(stat -c %s -- "$path") / 1024 - PAGE_SIZE / 1024))
    [[ \${USED%% *} != "\${path##*/}" ]] || used=\${USED##* }
    printf '%s file %s %s %s\\n' "\${path// /\\\\040}" "$kib" "$used" "$priority" >>"$SWAPS"
  }
  swapoff() {
    local path=\${!#} line
    local -a lines
    refuses "swapoff \${path##*/}"
    [[ -z $ANSWER ]] || return 1
    [[ " $LIES " != *" swapoff \${path##*/} "* ]] || return 0
    mapfile lines <"$SWAPS"
    for line in "\${lines[@]}"; do [[ $line == "\${path// /\\\\040} "* ]] || printf %s "$line"; done >"$SWAPS"
  }
`;

/** A host whose swap is a file, and which has room for more. */
export class SwapHost {
  constructor(readonly folder: string) {
    writeFileSync(this.at("swaps"), "Filename Type Size Used Priority\n");
    writeFileSync(this.at("meminfo"), "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\n");
    writeFileSync(this.at("fstab"), "");
    mkdirSync(this.at("cgroups"));
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  /** A bundle with a swap file of that name and size. */
  bundle(name: string, mebibytes: number, priority = "10"): Sections {
    return { swapFiles: { [this.at(name)]: { size: String(mebibytes * MiB), priority } } };
  }

  /** Writes a file with the signature that mkswap writes. */
  swapFile(name: string, mebibytes = 1, page = PAGE): void {
    const file = openSync(this.at(name), "w", 0o600);
    writeSync(file, "SWAPSPACE2", page - 10);
    writeSync(file, "\0", mebibytes * MiB - 1);
    closeSync(file);
  }

  /** Switches a swap file on, as the owner did. */
  on(name: string, priority = -2, mebibytes = 1, used = 0): void {
    const path = this.at(name).replaceAll(" ", "\\040");
    const line = `${path} file ${mebibytes * 1024 - PAGE / 1024} ${used} ${priority}\n`;
    writeFileSync(this.at("swaps"), readFileSync(this.at("swaps"), "utf8") + line);
  }

  /** What is on: name, KiB, priority. */
  get swaps(): string[] {
    return readFileSync(this.at("swaps"), "utf8")
      .split("\n")
      .slice(1, -1)
      .map((line) => line.split(" "))
      .map(([path = "", , size, , priority]) => `${path.replace(`${this.folder}/`, "")} ${size} ${priority}`);
  }

  get fstab(): string {
    return readFileSync(this.at("fstab"), "utf8");
  }

  set fstab(text: string) {
    writeFileSync(this.at("fstab"), text);
  }

  /** Swap files and what is made beside them. */
  get files(): string[] {
    return readdirSync(this.folder)
      .filter((name) => /swap[^s]|\.img|goblin/.test(name))
      .sort();
  }

  list(part: string): string[] {
    return existsSync(this.at(`state/${part}`)) ? readdirSync(this.at(`state/${part}`)).sort() : [];
  }

  /** Runs the text with both versions loaded and the swaps seen; what it said, with the folder's name taken out. */
  run(was: Sections, want: Sections, text: string): string[] {
    return bashWithStore(
      `exec 2>&1
      NAME=swap
      ${loadVersion(this.folder, "WAS", was)} ${loadVersion(this.folder, "WANT", want)}
      ${KERNEL}
      observe_swaps
      ${text}`,
      this.folder,
      {
        SWAPS: this.at("swaps"),
        MEMINFO: this.at("meminfo"),
        CGROUPS: this.at("cgroups"),
        BLOCK_DEVICES: this.at("block"),
        FSTAB_FILE: this.at("fstab"),
      },
    )
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replaceAll(`${this.folder}/`, "/"));
  }

  /** The part of an apply that is about swap files. */
  converge(was: Sections, want: Sections, before = ""): string[] {
    return this.run(
      was,
      want,
      `${before}
      all() { give_back_swap_files; change_swap_files; return_swaps; }
      attempt all
      echo "status $STATUS"`,
    );
  }

  /** What preflight has against it. */
  problems(was: Sections, want: Sections, before = ""): string[] {
    return this.run(was, want, `${before}\npreflight_swap_files; printf '%s\\n' "\${PROBLEMS[@]}"`);
  }
}

export const onSwapHost = (action: (host: SwapHost) => void): void => {
  inFolder((folder) => {
    action(new SwapHost(folder));
  });
};
