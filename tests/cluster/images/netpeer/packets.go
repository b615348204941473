package main

import (
	"context"
	"net"
	"syscall"
)

// listenPackets returns a socket whose packets come with the address that they were sent
// to: in a node's network there are several, and a client hears only the one it asked.
func listenPackets(address string) (*net.UDPConn, error) {
	config := net.ListenConfig{Control: func(network, _ string, conn syscall.RawConn) error {
		level, option := syscall.IPPROTO_IPV6, syscall.IPV6_RECVPKTINFO
		if network == "udp4" {
			level, option = syscall.IPPROTO_IP, syscall.IP_PKTINFO
		}
		var set error
		err := conn.Control(func(fd uintptr) { set = syscall.SetsockoptInt(int(fd), level, option, 1) })
		if err != nil {
			return err
		}
		return set
	}}
	conn, err := config.ListenPacket(context.Background(), "udp", address)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UDPConn), nil
}

// echoPackets answers from the address that was asked.
func (c *counts) echoPackets(conn *net.UDPConn) error {
	buffer, control := make([]byte, 64<<10), make([]byte, 128)
	for {
		n, controls, _, from, err := conn.ReadMsgUDPAddrPort(buffer, control)
		if err != nil {
			return err
		}
		c.Datagrams.Add(1)
		c.UDPBytes.Add(int64(n))
		// What the kernel says of the packet's destination it takes as the answer's source.
		// The client counts what it gets.
		_, _, _ = conn.WriteMsgUDPAddrPort(buffer[:n], control[:controls], from)
	}
}
