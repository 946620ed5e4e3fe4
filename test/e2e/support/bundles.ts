import { guardProgram } from "../../../components/ai-slice/guard";
import { renderSlices } from "../../../components/ai-slice/render";
import { ReserveSettings } from "../../../components/ai-slice/schema";
import { renderCgroupService } from "../../../components/cgroup-service/render";
import { WorkloadSettings } from "../../../components/cgroup-service/schema";
import { settleWorkload } from "../../../components/cgroup-service/workload";
import { EarlyOomSettings } from "../../../components/early-oom/schema";
import { renderEarlyOom } from "../../../components/early-oom/render";
import type { Bundle } from "../../../components/host-bundle/bundle";
import { bundleCommands } from "../../../components/host-bundle/commands";
import { renderBundle } from "../../../components/host-bundle/render";
import { managerProgram } from "../../../components/manager/program";
import { renderManager } from "../../../components/manager/render";
import { renderSwapFile } from "../../../components/swap-file/render";
import { SwapFileSettings } from "../../../components/swap-file/schema";
import { renderZramDevice } from "../../../components/zram-device/render";
import { ZramDeviceSettings } from "../../../components/zram-device/schema";
import type { SshOptions, SshResult } from "../../sandbox/ssh";
import type { Vm } from "../../sandbox/vm";

/** Nobody confirms what a test applies by itself. */
export const settled = ({ confirmSeconds, ...bundle }: Bundle): Bundle => {
  if (confirmSeconds === undefined) throw new Error(`${bundle.name} needs no confirmation`);
  return bundle;
};

const MODELS = "/srv/models";

const settle = (name: string, settings: WorkloadSettings) =>
  settleWorkload(name, WorkloadSettings.parse(settings));

/** The bundles that the program renders for a host, from settings as they are written in its configuration. */
export const bundles = {
  manager: (): Bundle =>
    renderManager(managerProgram().text, { before: ["ollama.service"], daily: "verify" }),
  zram: (settings: ZramDeviceSettings): Bundle =>
    settled(renderZramDevice(ZramDeviceSettings.parse(settings), "goblin-host:zram")),
  swap: (settings: SwapFileSettings): Bundle =>
    settled(renderSwapFile(SwapFileSettings.parse(settings), "goblin-host:swap")),
  earlyOom: (settings: EarlyOomSettings = {}): Bundle => renderEarlyOom(EarlyOomSettings.parse(settings)),
  slices: (workloads: Record<string, WorkloadSettings>, reserve: ReserveSettings): Bundle =>
    settled(
      renderSlices(
        Object.entries(workloads).map(([name, settings]) => settle(name, settings)),
        {
          reserve: ReserveSettings.parse(reserve),
          guard: guardProgram(),
          modelsPath: MODELS,
          setting: "goblin-host:reserve",
        },
      ),
    ),
  workload: (name: string, settings: WorkloadSettings): Bundle =>
    renderCgroupService(settle(name, settings), {
      modelsPath: MODELS,
      setting: `goblin-host:workloads.${name}`,
    }),
};

/** The text that a bundle's command sends to the host. */
export const bundleText = (bundle: Bundle, manager = managerProgram().version): string =>
  renderBundle(bundle, manager);

/** Runs the text that a bundle's command runs on the host, without the engine around it. */
export function apply(vm: Vm, bundle: Bundle, options: SshOptions = {}): Promise<SshResult> {
  const { apply: command } = bundleCommands(bundle.name);
  return vm.ssh(command, { ...options, stdin: bundleText(bundle) });
}

/** Applies bundles that must succeed, in order. */
export async function applyAll(vm: Vm, wanted: readonly Bundle[]): Promise<void> {
  for (const bundle of wanted) {
    const { code, stdout, stderr } = await apply(vm, bundle);
    if (code !== 0) throw new Error(`apply ${bundle.name} ended with ${code}\n${stdout}${stderr}`);
  }
}

/**
 * Puts the manager's program in its place, and packages with it in one run of apt: where its own bundle and each
 * package's installation are not what is tested, that saves a minute of emulation.
 */
export async function installManager(vm: Vm, packages: readonly string[] = []): Promise<void> {
  await vm.run("install -m 0755 /dev/stdin /usr/local/sbin/ai-resource-manager", {
    stdin: managerProgram().text,
  });
  if (packages.length === 0) return;
  await vm.run(
    `DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends ${packages.join(" ")} >/dev/null 2>&1`,
  );
  // Debian 13's package brings a device of its own up; a bundle's has our configuration before it is installed.
  await vm.run("systemctl stop systemd-zram-setup@zram0.service 2>/dev/null || true");
}

/** Docker's client where it is a package of its own (Debian 13), which neither the clean image has nor a removal leaves. */
export async function haveDockerClient(vm: Vm): Promise<void> {
  await vm.run(
    "command -v docker >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends docker-cli >/dev/null 2>&1",
  );
}
