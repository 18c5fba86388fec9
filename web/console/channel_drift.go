package console

import "context"

// mostDrift is how many differing numbers a page shows.
const mostDrift = 200

// channelDrift reads what the channel shows and lists what differs from what we told it; nothing is changed.
func channelDrift(v *visit) error {
	p, err := v.account(v.id())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(v.r.Context(), patience)
	defer cancel()
	all, err := v.Connect.DriftOf(ctx, p.ID, false)
	if err != nil {
		return slow(ctx, err)
	}
	all = all[:min(len(all), mostDrift)]
	p.Drift, p.Compared = all, true
	return v.page("channel", "Account %s", p, p.Name)
}
