import { describe, expect, it } from "vitest";
import { type IpAddress, overlap, parseIpAddress } from "../../components/settings/ip-address";

describe("an IP address", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1"],
    ["255.255.255.255", "255.255.255.255"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:db8::0:1", "2001:db8::1"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:0:0:2:3:0:0:4", "1::2:3:0:0:4"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
    ["fe80::", "fe80::"],
    ["10:0:0:100:a0:0b:c:0d", "10::100:a0:b:c:d"],
  ])("%s is %s", (given, text) => {
    expect(parseIpAddress(given)?.text).toBe(text);
  });

  it.each([
    ...["", "1", "999.1", "256.0.0.1", "1.2.3", "1.2.3.4.5", "010.0.0.1", "1.2.3.4 ", "1.2.3.-4", "a"],
    ...[
      ":",
      ":::",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7::8",
      "12345::",
      "g::",
      "[::1]",
    ],
    ...["fe80::1%eth0", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:"],
  ])("%j is none", (given) => {
    expect(parseIpAddress(given)).toBeUndefined();
  });

  it.each([
    ["127.0.0.1", "127.0.0.1", true],
    ["127.0.0.1", "127.0.0.2", false],
    ["0.0.0.0", "127.0.0.2", true],
    ["::1", "::", true],
    ["0.0.0.0", "::", false],
  ])("%s and %s are in each other's way: %s", (a, b, expected) => {
    const [one, other] = [parseIpAddress(a), parseIpAddress(b)] as [IpAddress, IpAddress];
    expect(overlap(one, other)).toBe(expected);
    expect(overlap(other, one)).toBe(expected);
  });
});
