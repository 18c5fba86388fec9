package courier

import (
	"slices"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/money"
)

// Status is where a parcel stands, in our words. Meanings lists them all.
type Status string

const (
	Booked              Status = "booked"
	PickupFailed        Status = "pickup_failed"
	PickedUp            Status = "picked_up"
	InTransit           Status = "in_transit"
	OutForDelivery      Status = "out_for_delivery"
	Attempted           Status = "delivery_attempted"
	AwaitingInstruction Status = "awaiting_instruction"
	ReadyForPickup      Status = "ready_for_pickup"
	OnHold              Status = "on_hold"
	Delivered           Status = "delivered"
	PartlyDelivered     Status = "partially_delivered"
	ReturnInitiated     Status = "return_initiated"
	ReturnInTransit     Status = "return_in_transit"
	Returned            Status = "returned"
	Lost                Status = "lost"
	Destroyed           Status = "destroyed"
	Cancelled           Status = "cancelled"
	Unknown             Status = "unknown"
)

// Meaning explains one status.
type Meaning struct {
	Status   Status
	Text     string // for a person
	Carried  bool   // the courier has had it in hand
	Terminal bool   // nothing but a correction comes after it
	Leg      Leg    // the leg it implies; "" = either
}

// Meanings are all statuses with what they mean, in the order of a parcel's life. It follows the sets of the aggregators (Karrio, EasyPost, AfterShip, Shopify's
// fulfilment events), with what cash on delivery needs and they lack: awaiting an instruction, and the way back in three steps.
func Meanings() []Meaning { return slices.Clone(meanings) }

var meanings = []Meaning{
	{Booked, "announced, not yet handed over", false, false, ""},
	{PickupFailed, "the rider came and left without it", false, false, Forward},
	{PickedUp, "taken over", true, false, Forward},
	{InTransit, "on its way between facilities", true, false, ""},
	{OutForDelivery, "with the rider", true, false, ""},
	{Attempted, "delivery was tried and failed; Reason says why", true, false, ""},
	{AwaitingInstruction, "the courier asks what to do: try again, return, another address", true, false, ""},
	{ReadyForPickup, "waits for the receiver at a counter", true, false, Forward},
	{OnHold, "stopped for a reason of the courier or the customs", true, false, ""},
	{Delivered, "handed to the receiver", true, true, Forward},
	{PartlyDelivered, "some of the pieces were handed over, the rest comes back", true, true, Forward},
	{ReturnInitiated, "it will come back", true, false, Return},
	{ReturnInTransit, "on its way back", true, false, Return},
	{Returned, "handed back to the sender; stock moves only after inspection", true, true, Return},
	{Lost, "the courier cannot find it", true, true, ""},
	{Destroyed, "damaged beyond use, or destroyed by authority", true, true, ""},
	{Cancelled, "called off before it was taken over: nothing comes back", false, true, ""},
	{Unknown, "a word we do not know: kept raw, moves nothing", false, false, ""},
}

// MeaningOf explains a status; one that does not exist means Unknown.
func MeaningOf(s Status) Meaning {
	for _, m := range meanings {
		if m.Status == s {
			return m
		}
	}
	return meanings[len(meanings)-1]
}

// Leg is which way a parcel goes.
type Leg string

const (
	Forward  Leg = "forward"
	Return   Leg = "return"
	Exchange Leg = "exchange_back" // what the rider takes along at the door
)

// Reason is why something did not happen, in two parts: whose, and what.
type Reason string

// The reasons that adapters map to; those of customs, weather and payment are rare and stay apart.
const (
	NotAvailable   Reason = "customer.not_available"
	RefusedByBuyer Reason = "customer.refused"
	WantsToInspect Reason = "customer.wants_to_inspect"
	CashNotReady   Reason = "customer.cod_not_ready"
	ChangedMind    Reason = "customer.changed_mind"
	Rescheduled    Reason = "customer.requested_reschedule"
	Unreachable    Reason = "customer.phone_unreachable"
	FakeOrder      Reason = "customer.fake_order"
	AddressPartial Reason = "address.incomplete"
	AddressWrong   Reason = "address.incorrect"
	AddressUnknown Reason = "address.not_found"
	Moved          Reason = "address.moved"
	OutOfArea      Reason = "address.out_of_service_area"
	NoAccess       Reason = "address.restricted_access"
	Closed         Reason = "address.business_closed"
	Missorted      Reason = "carrier.missort"
	NotAttempted   Reason = "carrier.not_attempted"
	DamagedByThem  Reason = "carrier.damaged"
	Delayed        Reason = "carrier.delayed"
	NotReady       Reason = "shipper.not_ready"
	WrongData      Reason = "shipper.wrong_data"
	Prohibited     Reason = "shipper.prohibited"
	CustomsPapers  Reason = "customs.documents"
	CustomsDuties  Reason = "customs.duties_unpaid"
	Weather        Reason = "external.weather"
	Holiday        Reason = "external.holiday"
	Strike         Reason = "external.strike"
	Security       Reason = "external.security"
	CashMismatch   Reason = "payment.cod_mismatch"
	OtherReason    Reason = "other.unknown"
)

// Scan is one fact that the courier reports. Facts are appended, never changed.
type Scan struct {
	Status   Status
	Leg      Leg
	Raw      string // the courier's word or code
	Text     string // the courier's sentence; may name a place, never a person
	Reason   Reason
	At       time.Time // UTC
	RawAt    string    // as the courier wrote it
	Assumed  bool      // the zone was assumed: the courier wrote none
	Location string
	// Corrects says that the courier takes an earlier delivery back (false delivery). Only such a scan leaves a terminal status.
	Corrects bool
	Cash     money.Amount // collected at this scan, when the courier says so
}

// Key is the same for the same fact, however often and by whichever way it is told.
func (s Scan) Key(tracking string) string {
	at := s.RawAt
	if at == "" {
		at = s.At.UTC().Format(time.RFC3339Nano)
	}
	return strings.Join([]string{tracking, s.Raw, at, s.Location}, "|")
}

// Standing is where a parcel stands after all its scans.
type Standing struct {
	Status   Status
	Leg      Leg
	Reason   Reason
	At       time.Time
	Attempts int  // failed deliveries
	Carried  bool // the courier has it, or had it
	Scans    int  // different facts
}

// Fold orders scans by when they happened, then by how they were told, and says where the parcel stands. Told twice counts once; a late, older scan changes nothing;
// after a terminal status only a correction does; a delivery on the way back is a return; unknown words move nothing. No scans stand for Unknown.
func Fold(tracking string, scans []Scan) Standing {
	known := map[string]bool{}
	var facts []Scan
	for _, s := range scans {
		if key := s.Key(tracking); !known[key] {
			known[key] = true
			facts = append(facts, s)
		}
	}
	slices.SortStableFunc(facts, func(a, b Scan) int { return a.At.Compare(b.At) })
	now := Standing{Status: Unknown, Leg: Forward, Scans: len(facts)}
	for _, s := range facts {
		now = now.after(s)
	}
	return now
}

func (st Standing) after(s Scan) Standing {
	if s.Status == Unknown || MeaningOf(st.Status).Terminal && !s.Corrects {
		return st
	}
	leg := st.Leg
	if s.Leg != "" {
		leg = s.Leg
	}
	m := MeaningOf(s.Status)
	if m.Leg == Return {
		leg = Return
	}
	if leg == Return {
		switch s.Status {
		case Delivered:
			s.Status = Returned
		case InTransit, OutForDelivery, PickedUp:
			s.Status = ReturnInTransit
		}
	}
	if s.Status == Attempted && leg == Forward {
		st.Attempts++
	}
	st.Status, st.Leg, st.Reason, st.At = s.Status, leg, s.Reason, s.At
	st.Carried = st.Carried || m.Carried
	return st
}
