package console

import (
	"context"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

func channelPath(id string) string { return Base + "/channels/" + id }

// channelCheck asks the partner whose shop the account is.
func channelCheck(v *visit) error {
	ctx, cancel := context.WithTimeout(v.r.Context(), patience)
	defer cancel()
	shop, err := v.Connect.Check(ctx, v.id())
	if err != nil {
		return slow(ctx, err)
	}
	return v.back(channelPath(v.id()), flash{Text: v.T("The partner answers: this is %s", shop.Name)})
}

// channelPause stops reading and telling; resuming is the undo.
func channelPause(v *visit) error {
	if v.form("reason") == "" {
		return fault.Field("reason", "is missing: it tells the others why the account stands still")
	}
	if err := v.Connect.Pause(v.r.Context(), v.id(), v.actor(), v.form("reason")); err != nil {
		return err
	}
	return v.back(channelPath(v.id()), flash{Text: v.T("Paused: what arrives is still kept"), Undo: channelPath(v.id()) + "/resume"})
}

// channelResume lets an account work again.
func channelResume(v *visit) error {
	if err := v.Connect.Resume(v.r.Context(), v.id(), v.actor()); err != nil {
		return err
	}
	return v.back(channelPath(v.id()), flash{Text: v.T("The account works again")})
}

// pulls are what can be read from a channel now.
var pulls = []string{"orders", "listings", "returns", "reconcile"}

// channelPull reads from the channel now.
func channelPull(v *visit) error {
	what := v.form("what")
	if !slices.Contains(pulls, what) {
		return fault.Field("what", "there is nothing of this kind to read")
	}
	ctx, cancel := context.WithTimeout(v.r.Context(), patience)
	defer cancel()
	n, err := 0, error(nil)
	switch what {
	case "listings":
		n, err = v.Connect.PullListings(ctx, v.id())
	case "returns":
		n, err = v.Connect.PollReturns(ctx, v.id())
	case "reconcile":
		var r connect.Reconciliation
		r, err = v.Connect.Reconcile(ctx, v.id())
		n = r.Compared
	default:
		n, err = v.Connect.Poll(ctx, v.id())
	}
	if err != nil {
		return slow(ctx, err)
	}
	return v.back(channelPath(v.id()), flash{Text: v.T("Read from the channel: %d", n)})
}

// channelMode changes how much of an account is ours. Going live is refused while the comparison differs, unless a person accepts it.
func channelMode(v *visit) error {
	ctx, cancel := context.WithTimeout(v.r.Context(), 3*patience)
	defer cancel()
	to := channel.Mode(v.form("mode"))
	if _, err := v.Connect.SetMode(ctx, connect.Switching{Account: v.id(), Mode: to, Accept: v.form("accept") != "", Actor: v.actor()}); err != nil {
		return slow(ctx, err)
	}
	return v.back(channelPath(v.id()), flash{Text: v.T("The account is now in the mode %s", v.Word(string(to)))})
}
