package console

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/httpclient"
)

// accountRow is an account with how it fares.
type accountRow struct {
	connect.Account
	connect.Condition
}

type channelsPage struct {
	Items []accountRow
	Kinds []channel.Kind
}

// channels lists the accounts with how each fares.
func channels(v *visit) error {
	p := channelsPage{Kinds: v.Connect.Kinds()}
	err := v.read(func(tx *db.Tx) error {
		all, err := v.Connect.Accounts(tx)
		if err == nil {
			all, err = seenAccounts(tx, all)
		}
		p.Items = nil
		for _, a := range all {
			c, err := v.Connect.Condition(tx, a.ID)
			if err != nil {
				return err
			}
			p.Items = append(p.Items, accountRow{a, c})
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.page("channels", "Channels", p)
}

type channelPage struct {
	accountRow
	Kind    channel.Kind
	Secrets []channel.Setting // that may be entered anew
	Mapped  map[string]string // ours → theirs
	Places  map[string]inventory.Location
	Modes   []channel.Mode
	Diff    *connect.Diff
	Shop    *channel.Shop // asked for its locations
	Silent  string        // why it did not say
	Ours    []inventory.Location
	Left    *httpclient.Left // of the budget, in this process
	Rate    *httpclient.Rate // how the partner has answered lately
	From    string           // of a window to be read again
	Until   string

	Compared bool            // the stock there, because that was asked for
	Drift    []connect.Drift // numbers that differ
	Answers  []answer        // of the settings, as the adapter lists them
}

// answer is what a setting of an account says.
type answer struct{ Title, Name, Value string }

// answers are what an account's settings say, in the order in which its adapter asks for them; what it asks for no longer comes last.
func answers(k channel.Kind, given map[string]string) (all []answer) {
	asked := map[string]bool{}
	for _, s := range k.Settings {
		asked[s.Name] = true
		if value := given[s.Name]; value != "" {
			all = append(all, answer{s.Title, s.Name, value})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !asked[name] {
			all = append(all, answer{"", name, given[name]})
		}
	}
	return all
}

// channelShow shows one account.
func channelShow(v *visit) error {
	p, err := v.account(v.id())
	if err != nil {
		return err
	}
	if v.ask("places") != "" && v.allowed(v.who, "channel.map") {
		v.askPlaces(&p)
	}
	return v.page("channel", "Account %s", p, p.Name)
}

func (v *visit) account(ref string) (p channelPage, err error) {
	p.Modes = []channel.Mode{channel.Shadow, channel.Intake, channel.Live}
	err = v.read(func(tx *db.Tx) error {
		if p.Account, err = v.Connect.Account(tx, ref); err != nil {
			return err
		}
		if p.Condition, err = v.Connect.Condition(tx, p.ID); err != nil {
			return err
		}
		if p.Mapped, err = v.Connect.Places(tx, p.ID); err != nil {
			return err
		}
		p.Ours = v.shippers(tx)
		p.Places, err = v.places(tx)
		return err
	})
	if left, known := v.Budget(p.ID); known {
		p.Left = &left
	}
	if rate, known := v.Rate(p.ID); known {
		p.Rate = &rate
	}
	p.From, p.Until = v.now.In(v.zone).Add(-24*time.Hour).Format("2006-01-02T15:04"), v.now.In(v.zone).Format("2006-01-02T15:04")
	for _, k := range v.Connect.Kinds() {
		if k.Name == p.Channel {
			p.Kind, p.Secrets, p.Answers = k, secretsOf(k), answers(k, p.Settings)
		}
	}
	return p, err
}

// patience is how long a page waits for a partner; who takes longer is asked again later.
const patience = 20 * time.Second

// channelDiff compares what the channel has with what we have: it gates going live.
func channelDiff(v *visit) error {
	p, err := v.account(v.id())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(v.r.Context(), patience)
	defer cancel()
	d, err := v.Connect.Diff(ctx, p.ID)
	if err != nil {
		return slow(ctx, err)
	}
	p.Diff = &d
	return v.page("channel", "Account %s", p, p.Name)
}

// slow says of a partner that took too long what can be done.
func slow(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fault.Wrap(fault.Unavailable, err, "the partner took longer than "+strconv.Itoa(int(patience.Seconds()))+" seconds to answer: try again in a minute")
	}
	return err
}
