/**
 * The unit name of a path, as `systemd-escape --path` makes it: `/swapfile` is `swapfile`, `/srv/my-swap` is
 * `srv-my\x2dswap` (systemd.unit(5), "String escaping for inclusion in unit names").
 */
export function escapeUnitPath(path: string): string {
  const parts = path.split("/").filter((part) => part !== "");
  if (parts.length === 0) return "-";
  return parts.map((part, index) => escapePart(part, index === 0)).join("-");
}

function escapePart(part: string, first: boolean): string {
  return [...new TextEncoder().encode(part)]
    .map((byte, index) => {
      const character = String.fromCharCode(byte);
      const plain = /[A-Za-z0-9:_.]/.test(character) && !(first && index === 0 && character === ".");
      return plain ? character : `\\x${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}
