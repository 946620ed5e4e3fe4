import { DEFAULT_ROOTS } from "../host/roots";
import { DEFAULT_CONFIG_FILE } from "./options";

export const HELP = `ai-resource-monitor MODE [OPTION...]

Modes:
  serve           collect at every interval and answer HTTP, until SIGTERM
  --collect       collect once: by the running server when there is one
  --display       print the last metrics for people
  --json          print them as JSON
  --prometheus    print them in Prometheus' text format
  --alerts        print what fires, then the last lines of alerts.log
  --help, --version

Options:
  --config FILE         the configuration (default ${DEFAULT_CONFIG_FILE})
  --path.procfs DIR     the host's procfs (default ${DEFAULT_ROOTS.procfs})
  --path.sysfs DIR      sysfs (default ${DEFAULT_ROOTS.sysfs})
  --path.cgroup DIR     the host's cgroup v2 tree (default ${DEFAULT_ROOTS.cgroup})
  --path.rootfs DIR     the host's root (default ${DEFAULT_ROOTS.rootfs})
  --path.etc DIR        a folder on the host's root filesystem (default ${DEFAULT_ROOTS.etc})
  --path.run DIR        outputs, socket and lock (default ${DEFAULT_ROOTS.run})
  --path.state DIR      alert state and history (default ${DEFAULT_ROOTS.state})
  --path.log DIR        alerts.log (default ${DEFAULT_ROOTS.log})
  --path.manager DIR    what ai-resource-manager tells (default ${DEFAULT_ROOTS.manager})

Exit status: 0 done, 1 failed, 2 wrong command line or configuration, 3 nothing collected within three intervals, or
not all of what every host has could be read, 4 another collector is at work. --collect without a server ends itself by
SIGKILL (137) when all is done but a filesystem still does not answer, because no process can exit while a call to it is
in flight.
`;
