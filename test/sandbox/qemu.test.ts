import { describe, expect, it } from "vitest";
import { type MachineShape, type VmFiles, knownHostsLine, qemuArguments, sshConfig } from "./qemu";

const files: VmFiles = {
  disk: "/r/disk.qcow2",
  hostKey: "/r/host_ed25519",
  hostKeyPublic: "/r/host_ed25519.pub",
  clientKey: "/r/id_ed25519",
  clientKeyPublic: "/r/id_ed25519.pub",
  knownHosts: "/r/known_hosts",
  sshConfig: "/r/ssh_config",
  state: "/r/state.json",
  serialLog: "/r/serial.log",
  pidFile: "/r/qemu.pid",
  qmpSocket: "/s/a.qmp",
  controlSocket: "/s/a-%r",
};
const image = { kernel: "/i/vmlinuz", initrd: "/i/initrd", append: "root=/dev/vda net.ifnames=0" };
const shape: MachineShape = { name: "t", memoryMiB: 2048, cpus: 2, sshPort: 2300, accelerator: "tcg" };

/** The value that follows an option. */
const valueOf = (args: readonly string[], option: string): string | undefined =>
  args[args.indexOf(option) + 1];

describe("qemuArguments", () => {
  const args = qemuArguments(shape, image, files);

  it("shapes the machine and boots the image's kernel", () => {
    expect(valueOf(args, "-m")).toBe("2048M");
    expect(valueOf(args, "-smp")).toBe("2");
    expect(valueOf(args, "-kernel")).toBe("/i/vmlinuz");
    expect(valueOf(args, "-initrd")).toBe("/i/initrd");
    expect(valueOf(args, "-append")).toMatch(/^root=\/dev\/vda net\.ifnames=0 rw /);
  });

  it("boots what is on the disk, beside what cloud-init is to read", () => {
    const own = qemuArguments(shape, { seed: "/r/a,b" }, files);
    expect(own).not.toContain("-kernel");
    expect(valueOf(own, "-blockdev")).toBe(
      "driver=vvfat,node-name=seed,dir=/r/a,,b,label=CIDATA,read-only=on",
    );
  });

  it("writes to the VM's own disk, never to the image", () => {
    expect(valueOf(args, "-drive")).toContain("file=/r/disk.qcow2");
    expect(args.join(" ")).not.toContain("disk.raw");
  });

  it("lets SSH in from this machine alone", () => {
    expect(valueOf(args, "-netdev")).toBe("user,id=net,hostfwd=tcp:127.0.0.1:2300-:22");
  });

  it("hands over the host's private key and only the public one of the client", () => {
    expect(args).toContain("name=opt/goblin/host-key,file=/r/host_ed25519");
    expect(args).toContain("name=opt/goblin/client-key,file=/r/id_ed25519.pub");
    expect(args.some((arg) => arg.endsWith("/r/id_ed25519"))).toBe(false);
  });

  it("emulates the processor, or uses it where KVM works", () => {
    expect([valueOf(args, "-accel"), valueOf(args, "-cpu")]).toEqual(["tcg,thread=multi", "max"]);
    const native = qemuArguments({ ...shape, accelerator: "kvm" }, image, files);
    expect([valueOf(native, "-accel"), valueOf(native, "-cpu")]).toEqual(["kvm", "host"]);
    // Only what is emulated is spared what a real host has.
    expect(valueOf(args, "-append")).toMatch(/ mitigations=off norandmaps$/);
    expect(valueOf(native, "-append")).not.toMatch(/mitigations|norandmaps/);
  });
});

describe("the SSH identity", () => {
  it("is one line of known_hosts without the key's comment", () => {
    expect(knownHostsLine(2300, "ssh-ed25519 AAAAC3Nz goblin-host-t\n")).toBe(
      "[127.0.0.1]:2300 ssh-ed25519 AAAAC3Nz\n",
    );
  });

  it("accepts that key alone and offers ours alone", () => {
    const lines = sshConfig(2300, files)
      .split("\n")
      .map((line) => line.trim());
    expect(lines).toEqual(
      expect.arrayContaining([
        "Port 2300",
        "StrictHostKeyChecking yes",
        'UserKnownHostsFile "/r/known_hosts"',
        "GlobalKnownHostsFile /dev/null",
        'IdentityFile "/r/id_ed25519"',
        "IdentitiesOnly yes",
        "IdentityAgent none",
      ]),
    );
  });
});
