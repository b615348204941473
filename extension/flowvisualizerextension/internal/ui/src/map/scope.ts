// Which range an address lies in, as internal/flow classifies it, as far as
// the map needs: this machine's loopback, the networks around it, the rest.

export type Scope = "loopback" | "local" | "public";

const v4: [prefix: string, bits: number, scope: Scope][] = [
  ["127.0.0.0", 8, "loopback"],
  ["10.0.0.0", 8, "local"],
  ["172.16.0.0", 12, "local"],
  ["192.168.0.0", 16, "local"],
  ["169.254.0.0", 16, "local"],
  ["100.64.0.0", 10, "local"],
  ["224.0.0.0", 4, "local"],
  ["0.0.0.0", 32, "local"],
];

/** Multicast, link-local and what is not an address count as local: they do not leave for the internet. */
export function scopeOf(address: string): Scope {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  const n = number(mapped ?? address);
  if (n !== undefined) {
    const found = v4.find(([prefix, bits]) => Math.floor(n / 2 ** (32 - bits)) === Math.floor(number(prefix)! / 2 ** (32 - bits)));
    return found?.[2] ?? "public";
  }
  if (address === "::1") return "loopback";
  if (!address.includes(":") || address === "::") return "local";
  return /^(f[cdf]|fe[89ab])/i.test(address) ? "local" : "public";
}

function number(address: string): number | undefined {
  const m = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address);
  return m ? m.slice(1).reduce((sum, part) => sum * 256 + Number(part), 0) : undefined;
}
