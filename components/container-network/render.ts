import { type Bundle, CONFIRM_SECONDS } from "../host-bundle/bundle";

/**
 * The Docker network of a host's container workloads. It has the same name on every host, so that no rename of one is a
 * change, and a name of the project's own: one that somebody else has made is refused.
 */
export const CONTAINER_NETWORK = "goblin-host";

/** Its bridge in the kernel, at most 15 characters: a look finds it without dockerd, and a firewall's rules can name it. */
const BRIDGE = "br-goblin-host";

/**
 * The `network` bundle. dockerd chooses the subnet, out of its address pools, and knows nothing of an operator who comes
 * from the same one by way of a VPN: his answers would go into the bridge. Hence the confirmation.
 * @param setting path of the workloads' settings, for the host's error messages
 */
export function renderContainerNetwork(setting: string): Bundle {
  return {
    name: "network",
    confirmSeconds: CONFIRM_SECONDS,
    networks: { [CONTAINER_NETWORK]: { bridge: BRIDGE, setting } },
  };
}
