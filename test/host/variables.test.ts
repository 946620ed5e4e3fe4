import { expect, it } from "vitest";
import { onSystemdHost } from "./systemd-host";

const UNIT = "ollama.service";
const OURS = `[Service]
# Derived: MiB.
Environment="LLAMA_ARG_CACHE_RAM=1024"
# Derived: tokens.
Environment="OLLAMA_CONTEXT_LENGTH=4096"
`;

/** What is said of a unit whose own file is this. */
function warnings(text: string): string[] {
  let said: string[] = [];
  onSystemdHost((host) => {
    host.write("own.service", text);
    host.unit(UNIT, { FragmentPath: host.at("own.service") });
    const ours = host.at(`etc/${UNIT}.d/00-goblin-env.conf`);
    said = host.run(
      {},
      { files: { [ours]: { mode: "0644", content: OURS } }, units: { [UNIT]: {} } },
      "warn_of_replaced_variables",
    );
  });
  return said;
}

it("variables of a unit's own file that ours replace are told", () => {
  const file = `[Service]
ExecStart=/bin/ollama OLLAMA_DEBUG=1
Environment="PATH=/bin" 'OLLAMA_CONTEXT_LENGTH=32768'
  Environment = LLAMA_ARG_CACHE_RAM=2048
`;
  expect(warnings(file)).toEqual([
    `warning: ${UNIT}: ours replaces what /own.service sets in Environment= (LLAMA_ARG_CACHE_RAM OLLAMA_CONTEXT_LENGTH), because it follows from the workload's limits. To keep that, set it in environment of the workload`,
  ]);
});

it("others are not, nor is what is a comment, another directive, or a part of a name", () => {
  expect(
    warnings(
      "[Service]\nEnvironment=MY_OLLAMA_CONTEXT_LENGTH=1 A=1\n# Environment=LLAMA_ARG_CACHE_RAM=1\nPassEnvironment=LLAMA_ARG_CACHE_RAM\n",
    ),
  ).toEqual([]);
});
