package httpclient

import (
	"context"
	"net/netip"
	"syscall"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// special are the ranges that are nobody's on the internet, beside those that netip knows.
// Source: IANA's special-purpose address registries (RFC 6890).
var special = func() (all []netip.Prefix) {
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"240.0.0.0/4", "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}()

// Public reports whether an address is one of the internet at large: not of this machine, a private or local network, or a range set
// aside for something else. An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) is judged too.
func Public(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	if !a.IsValid() || !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	if a.Is6() {
		b := a.As16()
		switch {
		case netip.MustParsePrefix("64:ff9b::/96").Contains(a):
			return Public(netip.AddrFrom4([4]byte(b[12:16])))
		case netip.MustParsePrefix("2002::/16").Contains(a):
			return Public(netip.AddrFrom4([4]byte(b[2:6])))
		}
	}
	return true
}

// Guard refuses, as the ControlContext of a net.Dialer, to connect to an address that is not Public. It sees the address that is really
// dialled, whatever name resolved to it. Fault: Refused with code Private.
func Guard(_ context.Context, _, address string, _ syscall.RawConn) error {
	if at, err := netip.ParseAddrPort(address); err != nil || !Public(at.Addr()) {
		return fault.New(fault.Refused, "the address leads into a private network, which is not allowed").WithCode(Private)
	}
	return nil
}
