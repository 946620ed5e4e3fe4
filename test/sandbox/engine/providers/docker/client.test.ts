import { describe, expect, it } from "vitest";
import { connect, readHost } from "./client";
import { sshArguments } from "./transport";

describe("the provider's configuration", () => {
  it("becomes the ssh command that Docker's connection helper runs", () => {
    const host = readHost({
      host: "ssh://root@[2001:db8::1]:2222",
      sshOpts: JSON.stringify(["-o", "StrictHostKeyChecking=yes"]),
    });
    expect(sshArguments(host).join(" ")).toBe(
      "-o StrictHostKeyChecking=yes -o ConnectTimeout=30 -T -l root -p 2222 -- 2001:db8::1 docker system dial-stdio",
    );
    expect(sshArguments(readHost({ host: "ssh://a.example" })).join(" ")).toBe(
      "-o ConnectTimeout=30 -T -- a.example docker system dial-stdio",
    );
  });

  it.each([
    [{}, "not the default (this machine's own daemon)"],
    [{ host: "tcp://127.0.0.1:2375" }, "not tcp://127.0.0.1:2375"],
    [{ host: "ssh://a", certPath: "/certs" }, "does not serve the docker provider's certPath"],
  ])("%j is refused", (configuration, message) => {
    expect(() => readHost(configuration)).toThrow(message);
  });
});

it("an ssh that fails is an error with what it said, and leaves nothing running", async () => {
  const host = readHost({ host: "ssh://root@127.0.0.1:1", sshOpts: ["-F", "/dev/null"] });
  await expect(connect(host, process.env)).rejects.toThrow(
    /^failed to create Docker client: Error pinging Docker server, please make sure that ssh:\/\/root@127\.0\.0\.1:1 is reachable .* exit status 255, .*stderr=.*Connection refused/,
  );
});
