import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { loadVersion, type Sections } from "./loaded";
import { bashWithStore, inFolder } from "./manager";

/**
 * systemd, whose units are files: units/NAME/PROPERTY. FAILS holds what fails ("stop:a.service"), LIES what it only says it
 * did; with BUSY=1 it has no time for jobs, as for those that wait for a run at boot. What changes something is in `calls`.
 */
const SYSTEMD = `
  FAILS= LIES= BUSY=
  sleep() { :; }
  put() { mkdir -p "units/$1"; printf '%s\\n' "$3" >"units/$1/$2"; }
  of() { if [[ -e units/$1/$2 ]]; then cat "units/$1/$2"; else echo "\${3-}"; fi; }
  journalctl() { if [[ \${!#} == INVOCATION_ID=?* ]]; then cat journal.*.service; else cat "journal.\${!#}"; fi 2>/dev/null; }
  systemctl() {
    local verb='' properties='' unit property wait='' separator='' enabled='' status=0
    local -a units=() lines=()
    while (($# > 0)); do
      case $1 in
        --no-block) wait='--no-block ' ;;
        --property=*) properties=\${1#*=} ;;
        -*) ;;
        *) if [[ -z $verb ]]; then verb=$1; else units+=("$1"); fi ;;
      esac
      shift
    done
    if [[ " $FAILS " == *" $verb:\${units[0]-} "* ]]; then
      [[ $verb == show ]] || echo "systemctl $wait$verb \${units[*]} (fails)" >>calls
      echo "Failed to $verb \${units[*]}: no" >&2
      return 1
    fi
    case $verb in
      show)
        for unit in "\${units[@]}"; do
          printf %s "$separator"
          separator=$'\\n'
          for property in \${properties//,/ }; do
            lines=()
            [[ ! -e units/$unit/$property ]] || mapfile -t lines <"units/$unit/$property"
            case $property:\${#lines[@]} in
              ActiveState:0) lines=(inactive) ;;
              LoadState:0) lines=(not-found); [[ ! -d units/$unit ]] || lines=(loaded) ;;
              *:0) lines=('') ;;
            esac
            printf "$property=%s\\n" "\${lines[@]}"
          done
        done
        return
        ;;
      is-enabled)
        for unit in "\${units[@]}"; do
          if [[ ! -e units/$unit/UnitFileState ]]; then
            echo "Failed to get unit file state for $unit: No such file or directory" >&2
            return 1
          fi
          of "$unit" UnitFileState
          [[ $(of "$unit" UnitFileState) != enabled ]] || enabled=1
        done
        [[ -n $enabled ]]
        return
        ;;
    esac
    echo "systemctl $wait$verb\${units[*]:+ \${units[*]}}" >>calls
    for unit in "\${units[@]}"; do
      [[ " $LIES " != *" $verb:$unit "* ]] || continue
      case $verb in
        enable) put "$unit" UnitFileState enabled ;;
        disable | unmask) put "$unit" UnitFileState disabled ;;
        mask) put "$unit" UnitFileState masked ;;
        reset-failed) put "$unit" ActiveState inactive ;;
        *)
          [[ -z $BUSY ]] || continue
          case $verb in
            stop) put "$unit" ActiveState inactive ;;
            start) [[ $(of "$unit" ActiveState) == active ]] || put "$unit" InvocationID "$RANDOM$RANDOM"; put "$unit" ActiveState active ;;
            restart | try-restart) put "$unit" InvocationID "$RANDOM$RANDOM"; put "$unit" ActiveState active ;;
          esac
          ;;
      esac
    done
    return "$status"
  }
`;

/** Docker: \`containers\` has the names of those that run; dockerd.* is what it says of itself, none while it does not answer. */
const DOCKER = `
  docker() {
    case "$*" in
      *info*)
        [[ -e dockerd.root ]] || { echo 'Cannot connect to the Docker daemon' >&2; return 1; }
        echo "systemd|2|$(cat dockerd.live 2>/dev/null || echo true)|json-file|inactive|$(cat dockerd.running 2>/dev/null || echo 0)|$(<dockerd.root)"
        ;;
      ps*) [[ " $FAILS " != *' docker:ps '* ]] || { echo 'permission denied' >&2; return 1; }; cat containers 2>/dev/null ;;
      stop*)
        echo "docker stop $2" >>calls
        [[ " $FAILS " != *' docker:stop '* ]] || { echo 'context deadline exceeded' >&2; return 1; }
        [[ " $LIES " == *' docker:stop '* ]] || { grep -vx "$2" containers >containers.new; mv containers.new containers; }
        ;;
      logs*) echo 'the last line'; ;;
    esac
  }
  timeout() {
    while [[ $1 == -* || $1 =~ ^[0-9]+$ ]]; do shift; done
    "$@"
  }
`;

/** A host with units, and what it was asked to do. */
export class SystemdHost {
  constructor(readonly folder: string) {
    for (const name of ["units", "etc", "etc/a.target.wants"]) mkdirSync(this.at(name));
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text = ""): void {
    mkdirSync(dirname(this.at(name)), { recursive: true });
    writeFileSync(this.at(name), text);
  }

  read(name: string): string | undefined {
    return existsSync(this.at(name)) ? readFileSync(this.at(name), "utf8").trim() : undefined;
  }

  unit(name: string, properties: Record<string, string>): void {
    mkdirSync(this.at(`units/${name}`), { recursive: true });
    for (const [property, value] of Object.entries(properties))
      this.write(`units/${name}/${property}`, `${value}\n`);
  }

  stateOf(name: string): string | undefined {
    return this.read(`units/${name}/ActiveState`);
  }

  list(part: string): string[] {
    return existsSync(this.at(`state/${part}`)) ? readdirSync(this.at(`state/${part}`)).sort() : [];
  }

  get pending(): string[] {
    return this.list("pending");
  }

  /** What was done since the last time. */
  get calls(): string[] {
    const text = this.read("calls") ?? "";
    this.write("calls");
    return text.split("\n").filter((line) => line !== "");
  }

  /** Runs the text with both versions loaded and the units seen; what it said, with the folder's name taken out. */
  run(was: Sections, want: Sections, text: string): string[] {
    return bashWithStore(
      `exec 2>&1
      NAME=app
      ${loadVersion(this.folder, "WAS", was)} ${loadVersion(this.folder, "WANT", want)}
      ${SYSTEMD} ${DOCKER}
      see() {
        local key
        EVERYTHING=()
        for key in "\${!WAS[@]}"; do [[ $key == *'|'* ]] || EVERYTHING[$key]=\${WAS[$key]}; done
        for key in "\${!WANT[@]}"; do [[ $key == *'|'* ]] || EVERYTHING[$key]+=\${WANT[$key]}; done
        observe_units EVERYTHING
      }
      drift() { FINDINGS=(); "find_$1_drift"; for line in "\${FINDINGS[@]}"; do echo "drift \${line#*$'\\t'}" | tr '\\t' '|'; done; }
      see
      plan_restarts
      ${text}`,
      this.folder,
      {
        UNIT_FOLDER: this.at("etc"),
        TIMER_STAMPS: this.at("stamps"),
        CGROUPS: this.at("cgroups"),
        SYSCTLS: this.at("sysctls"),
        BLOCK_DEVICES: this.at("block"),
        DEVICES_BY_NUMBER: this.at("numbers"),
        MOUNTINFO: this.at("mountinfo"),
        NET_DEVICES: this.at("net"),
        TCP_TABLES: this.at("tcp-tables"),
        DOCKER_ROOT: this.at("docker"),
        PROCESSES: this.at("proc"),
        HOMES: `${this.at("home")}:${this.at("root")}`,
        TEMPORARY: `${this.at("tmp")}:${this.at("var/tmp")}`,
      },
    )
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replaceAll(`${this.folder}/`, "/"));
  }

  /** Runs functions as an attempt; what was said, with the status at the end. */
  attempt(was: Sections, want: Sections, functions: string, before = ""): string[] {
    return this.run(was, want, `${before}\nall() { ${functions}; }\nattempt all\necho "status $STATUS"`);
  }
}

export const onSystemdHost = (action: (host: SystemdHost) => void): void => {
  inFolder((folder) => {
    action(new SystemdHost(folder));
  });
};
