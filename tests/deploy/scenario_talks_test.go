package deploy

// talks is all that the application does between pods that stay.
//
// The first that asks for a server of a node does so by a service, from the same node:
// an agent learns of servers that nothing is translated for, and then looks few of their
// connections up.
func (a *application) talks() []talk {
	near, far, web, db := a.pod("shop", "near"), a.pod("shop", "far"), a.pod("shop", "web"), a.pod("shop", "db")
	vault, edge0, edge1 := a.pod("vault", "vault"), a.podOn("node-0", "shop", "edge"), a.podOn("node-1", "shop", "edge")
	prisoner := a.pod("shop", "prisoner")
	node0, node1, outside := a.NodeAddress(0).String(), a.NodeAddress(1).String(), a.machine.address
	webIP, _ := a.service("shop", "web")
	vaultIP, _ := a.service("vault", "vault")
	_, nodePort := a.service("shop", "web-node")
	_, localPort := a.service("shop", "web-local")

	// Who comes from a node's network to its own pods has the address of its bridge.
	bridge0 := a.NodePods(0).Addr().Next().String()
	local0 := edge0
	local0.address = bridge0
	// An address of a node says which node, not which pod.
	host0, host1 := end{kind: "host", node: "node-0", address: node0}, end{kind: "host", node: "node-1", address: node1}
	masked0 := end{kind: "host", node: "node-0", address: bridge0}

	tcp, udp, both := []string{"tcp"}, []string{"udp"}, []string{"tcp", "udp"}
	return []talk{
		{"to a service, same node", near, both, at(webIP, 80), 4, 500, []record{
			{by: "source", on: "node-0", from: near, to: web, port: 8080, service: "shop/web:80", asked: at(webIP, 80)},
			{by: "destination", on: "node-0", from: near, to: web, port: 8080, service: "shop/web:80", asked: at(webIP, 80)},
		}},
		{"to a headless service by its name", near, both, "db:8080", 3, 800, []record{
			{by: "source", on: "node-0", from: near, to: db, port: 8080, service: "shop/db:8080"},
			{by: "destination", on: "node-1", from: near, to: db, port: 8080, service: "shop/db:8080"},
		}},
		{"to a service by its name, another node", far, both, "web:80", 6, 70, []record{
			{by: "source", on: "node-1", from: far, to: web, port: 8080, service: "shop/web:80", asked: at(webIP, 80)},
			{by: "destination", on: "node-0", from: far, to: web, port: 8080},
		}},
		{"to a pod of the same node", near, both, at(web.address, 8080), 3, 1000, []record{
			{by: "source", on: "node-0", from: near, to: web, port: 8080},
			{by: "destination", on: "node-0", from: near, to: web, port: 8080},
		}},
		{"to a pod of another node", far, tcp, at(web.address, 8080), 2, 100_000, []record{
			{by: "source", on: "node-1", from: far, to: web, port: 8080},
			{by: "destination", on: "node-0", from: far, to: web, port: 8080},
		}},
		{"datagrams to a pod of another node", far, udp, at(web.address, 8080), 5, 200, []record{
			{by: "source", on: "node-1", from: far, to: web, port: 8080},
			{by: "destination", on: "node-0", from: far, to: web, port: 8080},
		}},

		{"from a node's network to a pod of the node", edge0, both, at(web.address, 8080), 2, 900, []record{
			{by: "source", on: "node-0", from: local0, to: web, port: 8080},
			{by: "destination", on: "node-0", from: masked0, to: web, port: 8080},
		}},
		{"from a node's network to a pod of another node", edge1, both, at(web.address, 8080), 2, 910, []record{
			{by: "source", on: "node-1", from: edge1, to: web, port: 8080},
			{by: "destination", on: "node-0", from: host1, to: web, port: 8080},
		}},
		{"from a node's network to a service", edge1, both, at(webIP, 80), 2, 920, []record{
			{by: "source", on: "node-1", from: edge1, to: web, port: 8080, service: "shop/web:80", asked: at(webIP, 80)},
			{by: "destination", on: "node-0", from: host1, to: web, port: 8080},
		}},
		{"to the own node's network", near, both, at(node0, 9100), 3, 440, []record{
			{by: "source", on: "node-0", from: near, to: host0, port: 9100},
			{by: "destination", on: "node-0", from: near, to: edge0, port: 9100},
		}},
		{"to another node's network", near, both, at(node1, 9100), 3, 450, []record{
			{by: "source", on: "node-0", from: near, to: host1, port: 9100},
			{by: "destination", on: "node-1", from: host0, to: edge1, port: 9100},
		}},
		{"between the networks of two nodes", edge0, both, at(node1, 9100), 3, 460, []record{
			{by: "source", on: "node-0", from: edge0, to: host1, port: 9100},
			{by: "destination", on: "node-1", from: host0, to: edge1, port: 9100},
		}},

		{"to a port of another node", far, both, at(node0, nodePort), 3, 110, []record{
			{by: "source", on: "node-1", from: far, to: host0, port: nodePort, service: "shop/web-node:81"},
			{by: "destination", on: "node-0", from: masked0, to: web, port: 8080, service: "shop/web-node:81", asked: at(node0, nodePort), behind: node1},
		}},
		{"to a port of the own node", near, both, at(node0, nodePort), 3, 120, []record{
			{by: "source", on: "node-0", from: near, to: web, port: 8080, service: "shop/web-node:81", asked: at(node0, nodePort)},
			{by: "destination", on: "node-0", from: masked0, to: web, port: 8080, service: "shop/web-node:81", asked: at(node0, nodePort), behind: near.address},
		}},
		{"to a port of the own node, of a server on another", far, both, at(node1, nodePort), 3, 130, []record{
			{by: "source", on: "node-1", from: far, to: web, port: 8080, service: "shop/web-node:81", asked: at(node1, nodePort)},
			{by: "destination", on: "node-0", from: host1, to: web, port: 8080},
		}},
		{"to a port of another node, of a server on the own", near, both, at(node1, nodePort), 3, 140, []record{
			{by: "source", on: "node-0", from: near, to: host1, port: nodePort, service: "shop/web-node:81"},
			{by: "destination", on: "node-0", from: host1, to: web, port: 8080},
		}},
		{"from a node's network to a port of another node", edge1, both, at(node0, nodePort), 3, 150, []record{
			{by: "source", on: "node-1", from: edge1, to: host0, port: nodePort, service: "shop/web-node:81"},
			{by: "destination", on: "node-0", from: masked0, to: web, port: 8080, service: "shop/web-node:81", asked: at(node0, nodePort), behind: node1},
		}},
		{"from outside to a port of the server's node", a.machine, both, at(node0, nodePort), 4, 210, []record{
			{by: "destination", on: "node-0", from: masked0, to: web, port: 8080, service: "shop/web-node:81", asked: at(node0, nodePort), behind: outside},
		}},
		{"from outside to a port of another node", a.machine, both, at(node1, nodePort), 4, 220, []record{
			{by: "destination", on: "node-0", from: host1, to: web, port: 8080},
		}},
		{"from outside to a port that keeps addresses", a.machine, both, at(node0, localPort), 4, 230, []record{
			{by: "destination", on: "node-0", from: a.machine, to: web, port: 8080, service: "shop/web-local:82", asked: at(node0, localPort)},
		}},
		{"to the outside", far, tcp, at(outside, a.ports["tcp"]), 5, 310, []record{
			{by: "source", on: "node-1", from: far, to: a.machine, port: a.ports["tcp"]},
		}},
		{"datagrams to the outside", far, udp, at(outside, a.ports["udp"]), 6, 320, []record{
			{by: "source", on: "node-1", from: far, to: a.machine, port: a.ports["udp"]},
		}},
		{"from a node's network to the outside", edge1, tcp, at(outside, a.ports["tcp"]), 5, 330, []record{
			{by: "source", on: "node-1", from: edge1, to: a.machine, port: a.ports["tcp"]},
		}},
		{"datagrams from a node's network to the outside", edge1, udp, at(outside, a.ports["udp"]), 5, 340, []record{
			{by: "source", on: "node-1", from: edge1, to: a.machine, port: a.ports["udp"]},
		}},
		{"from outside to a node's network", a.machine, both, at(node1, 9100), 3, 350, []record{
			{by: "destination", on: "node-1", from: a.machine, to: edge1, port: 9100},
		}},

		{"allowed by a policy at the destination", far, both, at(vaultIP, 80), 2, 410, []record{
			{by: "source", on: "node-1", from: far, to: vault, port: 8080, service: "vault/vault:80", asked: at(vaultIP, 80)},
			{by: "destination", on: "node-1", from: far, to: vault, port: 8080, service: "vault/vault:80", asked: at(vaultIP, 80)},
		}},
		{"allowed by a policy at the source", prisoner, tcp, at(web.address, 8080), 2, 420, []record{
			{by: "source", on: "node-0", from: prisoner, to: web, port: 8080},
			{by: "destination", on: "node-0", from: prisoner, to: web, port: 8080},
		}},
	}
}
