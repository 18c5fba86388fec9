package api

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Proxies are the networks whose word about who calls is believed. None is believed by default.
type Proxies []netip.Prefix

// ParseProxies reads networks such as 10.0.0.0/8, and single addresses. Fault: Invalid, also for a network of everybody: whoever calls could then be whom they like.
func ParseProxies(texts []string) (Proxies, error) {
	var all Proxies
	for _, text := range texts {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if at, alone := netip.ParseAddr(text); alone == nil && at.Zone() == "" {
			at = at.Unmap()
			p, err = netip.PrefixFrom(at, at.BitLen()), nil
		}
		switch {
		case err != nil || p.Addr().Is4In6():
			return nil, fault.Field("trusted_proxies", "%q is no network such as 10.0.0.0/8, and no address", text)
		case p.Bits() == 0:
			return nil, fault.Field("trusted_proxies", "%s is everybody: name the proxies that stand before this server", text)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

func (p Proxies) holds(a netip.Addr) bool {
	for _, n := range p {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// Behind gives next the address of whoever called the proxies as that of the connection, so that everything that counts by address counts callers. A connection from anywhere
// else stays what it is, whatever its headers say.
func (p Proxies) Behind(next http.Handler) http.Handler {
	if len(p) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if at, ok := p.caller(r); ok {
			meant := *r
			meant.RemoteAddr = netip.AddrPortFrom(at, 0).String()
			r = &meant
		}
		next.ServeHTTP(w, r)
	})
}

// caller is who called the proxies: the last address in X-Forwarded-For that is none of theirs. Each proxy adds whom it saw at the end, so that what stands before that address is
// the caller's own word. Where an entry is no address, the proxy that wrote it counts.
func (p Proxies) caller(r *http.Request) (at netip.Addr, ok bool) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return at, false
	}
	at = plainAddr(from.Addr())
	said := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	for p.holds(at) && said != "" {
		cut := strings.LastIndexByte(said, ',')
		seen, isAddr := forwarded(said[cut+1:])
		if !isAddr {
			break
		}
		at, ok, said = seen, true, said[:max(cut, 0)]
	}
	return at, ok
}

// forwarded reads an entry: an address, with a port behind it from some proxies.
func forwarded(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	a, err := netip.ParseAddr(text)
	if err != nil {
		with, err := netip.ParseAddrPort(text)
		return plainAddr(with.Addr()), err == nil
	}
	return plainAddr(a), true
}

func plainAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
