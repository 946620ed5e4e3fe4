import { type HostConnection, Manager, SwapFile } from "goblin-host";

const host: HostConnection = {
  name: "goblin",
  address: "203.0.113.10",
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
};

const manager = new Manager("goblin-manager", { host });
new SwapFile("goblin-swap", { host, size: "16GiB", priority: 10 }, { dependsOn: manager });
