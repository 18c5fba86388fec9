// Package manual is the courier without an interface: a person hands the parcel over, and types carrier and number. Start at Kind.
//
// The number comes in as Parcel.Waybill. There is no label, no tracking and nobody to call: scans are entered by people, where shipments are kept. What the
// adapter does is refuse a number that is on another parcel of the same carrier already, since a number typed twice sends two buyers after one parcel.
package manual

import (
	"context"
	"strings"
	"sync"
	"unicode"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

// Ledger remembers which number at which carrier belongs to which of our parcels; app fills it from the shipments.
type Ledger interface {
	// Claim keeps a number for a parcel. Claiming it again for the same reference is harmless; for another one it is fault.Conflict.
	Claim(ctx context.Context, account, carrier, tracking, reference string) error
}

const (
	settingCarriers = "carriers"
	settingTrackURL = "track_url"
)

// Kind is the manual courier over a ledger. Without one it describes itself and cannot be opened.
func Kind(ledger Ledger) courier.Kind {
	return courier.Kind{
		Name: "manual", Title: "By hand",
		Settings: []partner.Setting{
			{Name: settingCarriers, Title: "Carriers", Help: "Names that may be typed, separated by commas; empty allows any."},
			{Name: settingTrackURL, Title: "Tracking page", Help: "Address where receivers follow a parcel, with {tracking} in place of the number.", Check: checkURL},
		},
		Cash: []courier.CashRule{{}}, // what the carrier collects is agreed with its rider
		Open: func(c partner.Config) (courier.Courier, error) {
			if ledger == nil {
				return nil, fault.New(fault.Internal, "the manual courier has no ledger")
			}
			return &hand{c, ledger}, nil
		},
	}
}

func checkURL(s string) error {
	if s != "" && (!strings.HasPrefix(s, "https://") || !strings.Contains(s, "{tracking}")) {
		return fault.Field(settingTrackURL, "is not an https address with {tracking} in it")
	}
	return nil
}

type hand struct {
	partner.Config
	ledger Ledger
}

// Book implements courier.Courier. Booking one reference with another number moves nothing: both numbers then belong to it.
func (h *hand) Book(ctx context.Context, reference string, p courier.Parcel) (courier.Booking, error) {
	if err := ctx.Err(); err != nil {
		return courier.Booking{}, fault.Wrap(fault.Unavailable, err, "the call was cancelled")
	}
	if reference == "" {
		return courier.Booking{}, fault.Field("reference", "is missing")
	}
	if p.Waybill == nil {
		return courier.Booking{}, fault.Field("waybill", "is for a person to type: carrier and number")
	}
	w := courier.Waybill{Carrier: strings.Join(strings.Fields(p.Waybill.Carrier), " "), Tracking: Number(p.Waybill.Tracking), URL: p.Waybill.URL}
	if w.Carrier == "" || !h.allowed(&w) {
		return courier.Booking{}, fault.Field("waybill.carrier", "is none of: %s", h.Setting(settingCarriers))
	}
	if len(w.Tracking) < 3 || len(w.Tracking) > 64 {
		return courier.Booking{}, fault.Field("waybill.tracking", "is no tracking number")
	}
	if err := h.ledger.Claim(ctx, h.Account, w.Carrier, w.Tracking, reference); err != nil {
		return courier.Booking{}, err
	}
	if pattern := h.Setting(settingTrackURL); w.URL == "" && pattern != "" {
		w.URL = strings.ReplaceAll(pattern, "{tracking}", w.Tracking)
	}
	return courier.Booking{Waybill: w, Reference: reference, Service: p.Service, At: h.Now().UTC()}, nil
}

// allowed also writes the carrier's name as the setting does, so that tcs and TCS are one.
func (h *hand) allowed(w *courier.Waybill) bool {
	free := true
	for name := range strings.SplitSeq(h.Setting(settingCarriers), ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		if free = false; strings.EqualFold(name, w.Carrier) {
			w.Carrier = name
			return true
		}
	}
	return free
}

// Number is a tracking number without what people put into it: spaces, direction marks, small letters. Dashes stay, since some carriers mean them.
func Number(typed string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r > unicode.MaxASCII || r <= ' ':
			return -1
		}
		return unicode.ToUpper(r)
	}, typed)
}

// Track implements courier.Courier: nothing is known but what people enter.
func (h *hand) Track(ctx context.Context, tracking []string) ([]courier.Trace, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the call was cancelled")
	}
	out := make([]courier.Trace, len(tracking))
	for i, n := range tracking {
		out[i].Tracking = n
	}
	return out, nil
}

// Memory is a Ledger for tests.
type Memory struct {
	mu      sync.Mutex
	numbers map[[3]string]string
}

// Claim implements Ledger. Carriers are compared without regard to case.
func (m *Memory) Claim(_ context.Context, account, carrier, tracking, reference string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.numbers == nil {
		m.numbers = map[[3]string]string{}
	}
	key := [3]string{account, strings.ToUpper(carrier), tracking}
	if owner, taken := m.numbers[key]; taken && owner != reference {
		return fault.New(fault.Conflict, "%s %s is on another parcel already", carrier, tracking).WithCode("number_taken")
	}
	m.numbers[key] = reference
	return nil
}

// Len is how many numbers are taken.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.numbers)
}
