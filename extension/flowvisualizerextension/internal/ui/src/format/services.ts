// Names of the ports met most often, as IANA registers them. A port that is
// not here shows as its number.
const names: Record<number, string> = {
  20: "ftp-data", 21: "ftp", 22: "ssh", 23: "telnet", 25: "smtp", 53: "dns", 67: "dhcp", 80: "http", 88: "kerberos", 110: "pop3",
  111: "rpcbind", 123: "ntp", 143: "imap", 161: "snmp", 179: "bgp", 389: "ldap", 443: "https", 445: "smb", 465: "smtps", 514: "syslog",
  587: "submission", 631: "ipp", 636: "ldaps", 853: "dns-tls", 873: "rsync", 993: "imaps", 995: "pop3s", 1433: "mssql", 1521: "oracle",
  1883: "mqtt", 2049: "nfs", 2379: "etcd", 2380: "etcd-peer", 3000: "http-dev", 3128: "proxy", 3306: "mysql", 3389: "rdp", 4317: "otlp",
  4318: "otlp-http", 5432: "postgresql", 5672: "amqp", 5900: "vnc", 6379: "redis", 6443: "kube-api", 8080: "http-alt", 8443: "https-alt",
  9090: "prometheus", 9092: "kafka", 9200: "elasticsearch", 10250: "kubelet", 11211: "memcached", 27017: "mongodb",
};

/** The service's name, or undefined when the port is not a known one. */
export function service(port: number): string | undefined {
  return names[port];
}

/** How an edge names a port: its service, or ":8123". */
export function portLabel(port: number): string {
  return names[port] ?? `:${port}`;
}

// What the types of ICMP and ICMPv6 met most often are about, as IANA names
// them; a reply has the type of its request.
const messages: Record<string, Record<number, string>> = {
  icmp: { 3: "unreachable", 5: "redirect", 8: "ping", 11: "time exceeded", 13: "timestamp" },
  "ipv6-icmp": { 1: "unreachable", 2: "too big", 3: "time exceeded", 4: "bad header", 128: "ping" },
};

/** What an ICMP message is about, or undefined for another type and other transports. */
export function message(transport: string | undefined, type: number | undefined): string | undefined {
  return transport === undefined || type === undefined ? undefined : messages[transport]?.[type];
}
