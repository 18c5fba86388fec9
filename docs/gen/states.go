package main

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/state"
	"github.com/openclaw-pos/commerce/platform/db/migrate"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// cycle is one life with the check constraint that holds the same states in the database.
type cycle struct {
	life  state.Life
	owner string
	check string
	says  string // what a reader should know beyond the diagram
}

// cycles are all lives of the house. A test finds a life that is missing here, and a state that only one of table and constraint knows.
func cycles() []cycle {
	return []cycle{
		{fulfillment.Life, "commerce/fulfillment", "fulfillment_orders_state", "Between accepted and handed over the state follows from what is counted: units picked, packed and handed over. The hand-over scan is the point of no return for a cancellation."},
		{dispatch.Life, "commerce/dispatch", "dispatch_shipments_state", "Courier scans are facts: they are kept even when this table has no way for them, and the disagreement waits for a person. Unknown is a booking whose answer was lost."},
		{payment.Life, "commerce/payment", "order_payments_state", ""},
		{payment.CashLife, "commerce/payment", "order_payments_cod", "Runs beside the payment that is cash on delivery: who holds the money between the door and our account."},
		{returns.DecisionLife, "commerce/returns", "returns_rma_decision", "A return has a decision and two axes, goods and money, that may advance in either order."},
		{returns.GoodsLife, "commerce/returns", "returns_rma_goods", ""},
		{returns.MoneyLife, "commerce/returns", "returns_rma_money", ""},
		{catalog.Life, "commerce/catalog", "channel_products_state", "A listing that is not mapped holds its orders; mapping it releases them. An ignored one is kept out of the queue."},
		{vault.Life, "platform/vault", "credentials_state", "Two generations may be valid at once while one is replaced: what is signed by either is taken."},
		{cart.Life, "commerce/cart", "carts_state", "Placing lasts seconds: stock is held and the payment is being asked for."},
	}
}

// listed matches a named check constraint that lists the words of a column.
var listed = regexp.MustCompile(`(?m)constraint (\w+) check \((?:\w+ is null or )?(\w+) in \(('[^)]*')\)\)`)

// check is a constraint of the migrations that lists the states of a column.
type check struct {
	name, column string
	words        []string
}

// checks reads the constraints of the migrations.
func checks() ([]check, error) {
	text, err := migrations()
	if err != nil {
		return nil, err
	}
	var all []check
	for _, m := range listed.FindAllStringSubmatch(text, -1) {
		c := check{name: m[1], column: m[2]}
		for word := range strings.SplitSeq(m[3], ",") {
			c.words = append(c.words, strings.Trim(strings.TrimSpace(word), "'"))
		}
		all = append(all, c)
	}
	return all, nil
}

// migrations is the text of all migrations, in order.
func migrations() (string, error) {
	files := migrate.Files()
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return "", err
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return "", err
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		b.WriteString(up)
	}
	return b.String(), nil
}

// simple explains the states that have no table of moves, because one function decides each move.
var simple = map[string]string{
	"privacy_requests_state":       "What a partner asks about a buyer's data is open until it is done.",
	"orders_state":                 "Derived from the counts of the order's lines, see above.",
	"orders_pay_state":             "Derived from the order's payments and refunds.",
	"orders_mode":                  "The account's mode when the order came, see the glossary.",
	"channel_accounts_mode":        "Shadow compares, intake takes orders, live tells the channel too.",
	"channel_accounts_state":       "Whether an account is worked on; unauthorized waits for new credentials.",
	"channel_orders_decision":      "What became of the channel's order.",
	"channel_prices_state":         "What became of a price; held waits for a person.",
	"cash_parcels_state":           "The life of cash on delivery, parcel by parcel: only what is not due any more has a row.",
	"users_state":                  "A person is invited until they choose a password, active from then on, disabled while they may not sign in.",
	"inbox_state":                  "What arrived: stored waits to be imported, stuck for its cause to go, dead for a person.",
	"reads_state":                  "Orders to be read again.",
	"tells_state":                  "What a channel is to be told. Withheld: the account's mode does not tell.",
	"jobs_state":                   "Work that is due. Unknown: an outside effect whose answer was lost.",
	"subscriptions_state":          "A paused subscription collects its events.",
	"deliveries_state":             "One event on its way to one subscription.",
	"exceptions_state":             "A case for a person.",
	"vault_keys_state":             "A retiring key still opens what it sealed.",
	"vault_rotations_step":         "How far a change of the key-encryption key has come: the keys under it, new keys under it, what the old ones sealed, a wait until no process uses them.",
	"approvals_state":              "What one person asked for waits for a second one, a week at most.",
	"idempotency_keys_state":       "A request under way, or answered.",
	"order_units_bucket":           "Where the one unit is that the channel addresses.",
	"order_change_sets_state":      "A draft is a preview; raised waits for a person.",
	"refunds_state":                "Intended before the provider or the channel is asked; recorded is what a channel did by itself.",
	"sign_in_challenges_kind":      "What a browser's passkeys were asked for: to add one, to sign in alone, or after the password. Not a life.",
	"traces_kind":                  "What a trace goes on with; not a life.",
	"stock_levels_condition":       "Only what is sellable is promised.",
	"channel_accounts_open_orders": "Which orders that were open at the cut-over are ours.",
}

const derivedStates = `## Order

An order has no table of moves. Its state is read off the counts of its lines each time one of them changes, so it cannot disagree with them:

- ordered = cancelled + open + shipped
- shipped = on the way + delivered + coming back + returned + lost

| State | When |
|---|---|
| ` + "`open`" + ` | nothing has been handed over and something is open |
| ` + "`part_shipped`" + ` | something has been handed over, something is still open |
| ` + "`shipped`" + ` | nothing is open, something is under way, out or back |
| ` + "`delivered`" + ` | nothing is open or under way, something was delivered and stayed |
| ` + "`closed`" + ` | everything that was shipped has come back or is lost |
| ` + "`cancelled`" + ` | every unit is cancelled |

A hold is not a state: an order may be open with any number of holds. The money is an axis of its own (` + "`pay_state`" + `), and so is what the channel says.
`

// statePages is docs/states.md.
func statePages(string) ([]page, error) {
	all, err := checks()
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString(header + "# States\n\nEvery life cycle is one table in code. It refuses what it does not list, offers a console its actions, and is compared with the database's own check constraint.\n\n" + derivedStates)
	drawn := map[string]bool{}
	for _, c := range cycles() {
		if err := c.life.Check(); err != nil {
			return nil, err
		}
		drawn[c.check] = true
		fmt.Fprintf(&b, "\n## %s\n\n`%s`, constraint `%s`.", title(c.life.Name), c.owner, c.check)
		if c.says != "" {
			b.WriteString(" " + c.says)
		}
		fmt.Fprintf(&b, "\n\n```mermaid\n%s```\n", c.life.Mermaid())
	}
	b.WriteString("\n## Words without a table of moves\n\nWhere one function decides every move, the constraint is all there is.\n\n| Constraint | Words | |\n|---|---|---|\n")
	for _, c := range all {
		if !drawn[c.name] {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.name, strings.Join(c.words, ", "), simple[c.name])
		}
	}
	return []page{{"docs/states.md", []byte(b.String())}}, nil
}

// title begins a heading with a capital.
func title(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
