import type { z } from "zod";
import { type Bundle, CONFIRM_SECONDS, type PackageAhead } from "../host-bundle/bundle";
import type { DockerEngineSettings } from "./schema";

const CONFIG = "/etc/docker/daemon.json";
const UNIT = "docker.service";
/** dockerd starts these two; that they are named makes the manager remember how they stood. */
const ITS_UNITS = ["docker.socket", "containerd.service"];

/** A package of its own since Debian 13, which docker.io there only recommends. */
const CLIENT = { name: "docker-cli", program: "/usr/bin/docker", optional: true };

/** The package recommends apparmor, without which dockerd starts no container on a kernel that has it. */
export const DOCKER_PACKAGES: readonly PackageAhead[] = [
  { name: "apparmor" },
  { name: "docker.io", unless: "docker-ce", program: "dockerd", units: [UNIT, ...ITS_UNITS] },
  CLIENT,
];

/**
 * What json-file knows (docs.docker.com, "JSON File logging driver"), and what every driver does. dockerd does not
 * start with an option of another driver.
 */
const LOG_OPTIONS = [
  "compress",
  "env",
  "env-regex",
  "labels",
  "labels-regex",
  "max-buffer-size",
  "max-file",
  "max-size",
  "mode",
  "tag",
];

/**
 * The `docker` bundle: one Docker, with systemd's cgroup driver, and logs that end. The owner's configuration stays but
 * for these keys.
 * @param setting path of the settings, for the host's error messages
 */
export function renderDockerEngine(
  { logMaxSize, logMaxFiles, liveRestore }: z.output<typeof DockerEngineSettings>,
  setting: string,
): Bundle {
  return {
    name: "docker",
    confirmSeconds: CONFIRM_SECONDS,
    json: {
      [CONFIG]: {
        content: {
          "exec-opts": ["native.cgroupdriver=systemd"],
          "live-restore": liveRestore,
          "log-driver": "json-file",
          // In bytes: dockerd reads 10m as ten million (go-units, FromHumanSize).
          "log-opts": { "max-file": String(logMaxFiles), "max-size": String(logMaxSize.bytes) },
        },
        // Of these four keys dockerd takes only this one over by a reload (dockerd(8), SIGHUP; 20.10 as well as 28).
        reloads: ["live-restore"],
        ...(liveRestore ? { restartWith: { "live-restore": true } } : {}),
        setting,
      },
    },
    packages: ["apparmor", { name: "docker.io", unless: "docker-ce" }, CLIENT],
    units: {
      [UNIT]: { enabled: true, active: true, restartOn: [CONFIG] },
      ...Object.fromEntries(ITS_UNITS.map((unit) => [unit, {}])),
    },
    docker: {
      [UNIT]: {
        cgroupDriver: "systemd",
        cgroupVersion: "2",
        liveRestore,
        loggingDriver: "json-file",
        config: CONFIG,
        flags: ["exec-opt", "live-restore", "log-driver", "log-opt"],
        logOptions: LOG_OPTIONS,
        packages: ["docker.io"],
        setting,
      },
    },
  };
}
