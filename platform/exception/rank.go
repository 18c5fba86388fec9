package exception

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Weight is what waiting costs, apart from the deadline: the more, the earlier a person should look.
type Weight int

// The weights there are.
const (
	Record  Weight = iota // nothing waits: it is to be known
	Figures               // a number or an amount is wrong until somebody looks
	Buyer                 // an order, and who bought it, waits
	Account               // all of an account, or much of the work, waits
)

// weights say of each cause what waits for it.
var weights = map[string]Weight{
	AccountUnauthorized: Account, Restored: Account, DuplicateShop: Account, StaleLocation: Account, EventParked: Account, DeadJob: Account,
	UnmappedSKU: Buyer, MoneyMismatch: Buyer, SecondCurrency: Buyer, AddressIncomplete: Buyer, Shortage: Buyer, NoLocation: Buyer, FulfillmentRejected: Buyer, CancelRequest: Buyer,
	ChangeAfterPack: Buyer, CourierRefused: Buyer, OutcomeUnknown: Buyer, DeliveryFailed: Buyer, ReturnWaiting: Buyer, RefundRefused: Buyer, OrderMissing: Buyer, Undecodable: Buyer,
	PushRefused: Figures, PriceHeld: Figures, StockDrift: Figures, NegativeStock: Figures, CashShort: Figures, RefundOverCaptured: Figures, SubscriberFailing: Figures, CurrencyChanged: Figures,
	PrivacyRequest: Figures, FutureVersion: Figures,
	StaleStatus: Record, ContradictingStatus: Record,
}

// WeightOf is what waits for cases of a cause; a cause that nobody weighed is taken for a buyer's.
func WeightOf(cause string) Weight {
	if w, ok := weights[cause]; ok {
		return w
	}
	return Buyer
}

// mostRanked is how many open cases are ranked: those due first. Beyond it nobody decides by rank.
const mostRanked = 1000

// rank is where a case stands in the list: how near its deadline is, what waits for it, the deadline itself.
type rank struct {
	near   int
	weight Weight
	due    int64
	id     string
}

// never is the deadline of a case without one, as the index has it.
const never = int64(1)<<62 - 1

func rankOf(r Row, now time.Time) rank {
	k := rank{near: 4, weight: WeightOf(r.Cause), due: never, id: r.ID}
	if r.Deadline.IsZero() {
		return k
	}
	k.due = r.Deadline.UnixMicro()
	switch left := r.Deadline.Sub(now); {
	case left <= 0:
		k.near = 0
	case left < 4*time.Hour:
		k.near = 1
	case left < 24*time.Hour:
		k.near = 2
	default:
		k.near = 3
	}
	return k
}

func (a rank) compare(b rank) int {
	return cmp.Or(cmp.Compare(a.near, b.near), cmp.Compare(b.weight, a.weight), cmp.Compare(a.due, b.due), cmp.Compare(a.id, b.id))
}

func (a rank) String() string {
	return fmt.Sprintf("%d.%d.%d.%s", a.near, a.weight, a.due, a.id)
}

func parseRank(text string) (k rank, err error) {
	parts := strings.SplitN(text, ".", 4)
	if len(parts) == 4 {
		var w int
		if k.near, err = strconv.Atoi(parts[0]); err == nil {
			if w, err = strconv.Atoi(parts[1]); err == nil {
				k.due, err = strconv.ParseInt(parts[2], 10, 64)
			}
		}
		k.weight, k.id = Weight(w), parts[3]
	}
	if len(parts) != 4 || err != nil {
		return rank{}, fault.Field("after", "this is not a cursor of this list")
	}
	return k, nil
}

// Ranked returns open cases in the order in which a person should look at them: what is past its deadline first, then what is due soon, and among these what costs most
// while it waits. The cursor is "" at the end. A limit outside 1…500 is 50. Fault: Invalid for a cursor that is none.
func Ranked(tx *db.Tx, f Filter, after string, limit int) ([]Row, string, error) {
	if limit < 1 || limit > 500 {
		limit = 50
	}
	f.State = "any" // the state is asked for in the words of the index that holds just the open ones, by deadline
	where, args := f.where(tx.Now)
	seen, args := tx.Within("exceptions", "exceptions", args)
	const due = `coalesce(deadline, 4611686018427387903)`
	rows, err := db.All(tx, scan, `select `+columns+` from exceptions where state = 'open' and `+where+seen+` order by `+due+`, id limit `+strconv.Itoa(mostRanked), args...)
	if err != nil {
		return nil, "", err
	}
	if after != "" {
		from, err := parseRank(after)
		if err != nil {
			return nil, "", err
		}
		rows = slices.DeleteFunc(rows, func(r Row) bool { return rankOf(r, tx.Now).compare(from) <= 0 })
	}
	slices.SortFunc(rows, func(a, b Row) int { return rankOf(a, tx.Now).compare(rankOf(b, tx.Now)) })
	if len(rows) <= limit {
		return rows, "", nil
	}
	return rows[:limit], rankOf(rows[limit-1], tx.Now).String(), nil
}

// Waits is how many cases of a cause wait for somebody now: those that sleep are counted apart.
type Waits struct {
	Cause   string
	Now     int64
	Overdue int64
	Old     int64 // open for more than a day
	Asleep  int64
	Oldest  time.Time // of those that wait now
}

// OldAfter is from when on a case is old.
const OldAfter = 24 * time.Hour

// WaitsNow counts what waits, by cause, most first; causes without any are left out. Each number is that of the rows that List and Ranked give for the same filter.
func WaitsNow(tx *db.Tx) ([]Waits, error) {
	seen, args := tx.Within("exceptions", "exceptions", []any{tx.Now.UnixMicro(), tx.Now.Add(-OldAfter).UnixMicro()})
	const awake = `(snoozed_until is null or snoozed_until <= $1)`
	return db.All(tx, func(s db.Scanner) (c Waits, err error) {
		return c, s.Scan(&c.Cause, &c.Now, &c.Overdue, &c.Old, &c.Asleep, db.Time(&c.Oldest))
	}, `select cause, count(*) filter (where `+awake+`), count(*) filter (where `+awake+` and deadline <= $1), count(*) filter (where `+awake+` and since <= $2),
		count(*) filter (where not `+awake+`), min(case when `+awake+` then since end) from exceptions where state = 'open'`+seen+` group by cause order by 2 desc, 1`, args...)
}

// Reopen takes back that a person closed a case. Faults: NotFound; Conflict when it is open, was closed by itself, or another one of its kind has come since.
func Reopen(tx *db.Tx, id, by string) error {
	row, err := Get(tx, id)
	switch {
	case err != nil:
		return err
	case row.State == Open:
		return fault.New(fault.Conflict, "the exception is open")
	case row.ResolvedBy != by:
		return fault.New(fault.Conflict, "only who closed a case takes it back")
	}
	newer, _, err := List(tx, Filter{Cause: row.Cause, SubjectKind: row.SubjectKind, Subject: row.Subject, Snoozed: true}, "", 1)
	if err != nil {
		return err
	}
	if len(newer) > 0 {
		return fault.New(fault.Conflict, "the case has come up again since: it has a row of its own")
	}
	n, err := tx.Exec(`update exceptions set state = 'open', resolved_at = null, resolved_by = null, resolution = null, updated_at = $2, version = version + 1
		where id = $1 and state = 'resolved' and version = $3`, id, tx.Now.UnixMicro(), row.Version)
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "somebody else changed the exception first").WithCode("version")
	}
	return err
}
