import * as units from "@grafana/grafana-foundation-sdk/units";
import * as missing from "../shared/missing";
import { lines } from "../shared/panels";
import { line, ONE_HOST } from "../shared/query";

const H = `{${ONE_HOST}}`;

export const NETWORK = [
  lines(
    {
      title: "Network: received and transmitted",
      description:
        "The host's own interfaces, without loopback and containers' ends. Long downloads and busy clients show here.",
      unit: units.BytesPerSecondIEC,
      missing: missing.NO_NETWORK,
      width: 12,
    },
    line(`airm:network_receive:bytes_per_second${H}`, "{{device}} received"),
    line(`airm:network_transmit:bytes_per_second${H}`, "{{device}} transmitted"),
  ),
  lines(
    {
      title: "Network: packets lost",
      description:
        "Packets with an error, and dropped ones. Steadily above nothing: the link, its driver or a full queue.",
      unit: units.PacketsPerSecond,
      missing: missing.NO_NETWORK,
      width: 12,
    },
    line(`airm:network_receive_lost:packets_per_second${H}`, "{{device}} received"),
    line(`airm:network_transmit_lost:packets_per_second${H}`, "{{device}} transmitted"),
  ),
];
