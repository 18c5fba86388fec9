package console

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/jobs"
)

// caseDo carries out one of the actions a case offers.
func caseDo(v *visit) error {
	c, err := v.caseAt(v.id())
	if err != nil {
		return err
	}
	if c.State != exception.Open {
		return fault.New(fault.Conflict, "this case is closed already")
	}
	what, ok := deeds[v.form("what")]
	if !ok || !offers(c, v.form("what")) {
		return fault.Field("what", "this case does not offer that")
	}
	said, err := what.run(v, c)
	if err != nil {
		return err
	}
	return v.caseDone(c.ID, v.undoable(c, flash{Text: v.T(said)}))
}

// undoable adds how a closing is taken back, where that is all that was done.
func (v *visit) undoable(c caseRow, f flash) flash {
	now, err := v.caseAt(c.ID)
	if err == nil && now.State == exception.Resolved && now.ResolvedBy == v.actor() && c.SubjectKind != "inbox" {
		f.Undo, f.With = casePath(c.ID)+"/reopen", map[string]string{}
	}
	return f
}

// caseReopen takes back that one closed a case.
func caseReopen(v *visit) error {
	if err := v.write(func(tx *db.Tx) error { return exception.Reopen(tx, v.id(), v.actor()) }); err != nil {
		return err
	}
	return v.caseDone(v.id(), flash{Text: v.T("The case is open again")})
}

// caseDone answers with the case as it is now, or the page it was on.
func (v *visit) caseDone(id string, f flash) error {
	if !v.partial() {
		return v.back(casePath(id), f)
	}
	row, err := v.caseAt(id)
	if err != nil {
		return err
	}
	row.Done, row.Undo = f.Text, f.Undo
	return v.part("cases", "case", row)
}

// deed is something that can be done about a case, with the permission that the same takes elsewhere; it answers what it did, as a phrase.
type deed struct {
	need access.Permission
	do   func(ctx context.Context, v *visit, c caseRow) (string, error)
}

// run does it, for who may and where they may.
func (d deed) run(v *visit, c caseRow) (string, error) {
	ctx, _, err := access.Permit(v.r.Context(), d.need, access.Exceptions)
	if err != nil {
		return "", err
	}
	if err := v.DB.Read(ctx, func(tx *db.Tx) error { return sees(tx, access.Exceptions, c.ID) }); err != nil {
		return "", err
	}
	return d.do(ctx, v, c)
}

// deeds are what can be done about cases here.
var deeds = map[string]deed{
	"reread": {"orders.edit", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		account, external, err := v.external(c)
		if err != nil {
			return "", err
		}
		return "It is being read from the channel again", v.Connect.Want(ctx, account, external, "person")
	}},
	"release": {"orders.edit", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "The order goes on; the difference is accepted as shown", v.Order.Release(ctx, c.Order, 0, order.HoldMoney, v.actor())
	}},
	"agree": {"orders.cancel", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "The order is cancelled; the channel is told", v.Order.DecideCancel(ctx, c.Order, 0, true, "", v.actor())
	}},
	"decline": {"orders.cancel", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "The wish to cancel is declined; the order goes on", v.Order.DecideCancel(ctx, c.Order, 0, false, "", v.actor())
	}},
	"accept": {"exceptions.work", func(_ context.Context, v *visit, c caseRow) (string, error) {
		return "The case is closed", v.resolve(c, "accepted as it is")
	}},
	"again": {"orders.replay", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "The message is read again", v.Connect.Unstick(ctx, c.Subject, connect.Again, v.actor())
	}},
	"as_received": {"orders.replay", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "It is applied with the time it was received", v.Connect.Unstick(ctx, c.Subject, connect.AsReceived, v.actor())
	}},
	"listings": {"accounts.pull", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		_, err := v.Connect.PullListings(ctx, c.Account)
		return "The listings were read", err
	}},
	"check": {"accounts.pull", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		_, err := v.Connect.Check(ctx, c.Account)
		return "The account answers", err
	}},
	"push": {"accounts.pull", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		_, err := v.Connect.DriftOf(ctx, c.Account, true)
		if err != nil {
			return "", err
		}
		return "Our numbers are sent again", v.resolve(c, "sent again")
	}},
	"tell": {"work.settle", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "It is sent again", v.Connect.Retry(ctx, c.Subject, v.actor(), false)
	}},
	"told": {"work.settle", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "Noted: it has happened", v.Connect.Retry(ctx, c.Subject, v.actor(), true)
	}},
	"rebook": {"shipments.book", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		_, err := v.Dispatch.Rebook(ctx, c.Subject, 0, v.actor(), "")
		return "A waybill is asked for again", err
	}},
	"heard": {"stock.count", func(_ context.Context, v *visit, c caseRow) (string, error) {
		return "The location counts again", v.write(func(tx *db.Tx) error { return v.Inventory.Heard(tx, tx.Now, c.Location) })
	}},
	"job": {"work.settle", func(_ context.Context, v *visit, c caseRow) (string, error) {
		return "The task is tried again", v.write(func(tx *db.Tx) error { return jobs.Replay(tx, c.Subject, nil) })
	}},
	"discard": {"work.settle", func(_ context.Context, v *visit, c caseRow) (string, error) {
		return "The task is given up", v.write(func(tx *db.Tx) error { return jobs.Discard(tx, c.Subject) })
	}},
	"happened": {"work.settle", func(_ context.Context, v *visit, c caseRow) (string, error) {
		return "Noted: it has happened", v.write(func(tx *db.Tx) error { return jobs.Settle(tx, c.Subject, true) })
	}},
	"not_happened": {"work.settle", func(_ context.Context, v *visit, c caseRow) (string, error) {
		return "It is tried again", v.write(func(tx *db.Tx) error { return jobs.Settle(tx, c.Subject, false) })
	}},
	"returns": {"accounts.pull", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "The channel's returns are being read again", v.api(ctx, "/accounts/"+c.Account+"/pull", map[string]any{"what": "returns"})
	}},
	"numbers": {"accounts.pull", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "Our numbers are sent again", v.Connect.PushStock(ctx, c.Account, v.actor())
	}},
	"look": {"work.settle", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "The partner is being asked", v.Connect.Look(ctx, c.Subject, v.actor())
	}},
	"by_hand": {"exceptions.work", func(_ context.Context, v *visit, c caseRow) (string, error) {
		return "Noted: it has happened", v.resolve(c, "it was done by hand at the partner")
	}},
	"loaded": {"locations.manage", func(ctx context.Context, v *visit, _ caseRow) (string, error) {
		return "Its stock counts again", v.api(ctx, "/core/sync", map[string]any{"how": "loaded"})
	}},
	"attempt": {"shipments.work", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "Noted: the courier tries again", v.agreed(ctx, c, courier.OutForDelivery)
	}},
	"way_back": {"shipments.work", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "Noted: the parcel comes back", v.agreed(ctx, c, courier.ReturnInitiated)
	}},
	"cash_came": {"payments.work", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "Noted: the cash has come", v.api(ctx, orderAPI(c)+"/cash/settle", map[string]any{"step": "remit"})
	}},
	"cash_lost": {"payments.work", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "The missing cash is written off", v.api(ctx, orderAPI(c)+"/cash/settle", map[string]any{"step": "write_off"})
	}},
	"cash_taken": {"payments.work", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "Noted: the cash was taken", v.api(ctx, orderAPI(c)+"/cash/confirm", map[string]any{})
	}},
	"price_stays": {"listings.edit", func(_ context.Context, v *visit, c caseRow) (string, error) {
		return "The old price stays", v.resolve(c, "the old price stays")
	}},
	"price": {"listings.edit", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "The price is sent", v.Connect.AcceptPrice(ctx, c.Account, c.Subject, v.actor())
	}},
	"refunded": {"refunds.settle", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "Noted: it has happened", v.Payment.Resolve(ctx, c.Subject, true, "", v.actor())
	}},
	"not_refunded": {"refunds.settle", func(ctx context.Context, v *visit, c caseRow) (string, error) {
		return "It is tried again", v.Payment.Resolve(ctx, c.Subject, false, "", v.actor())
	}},
}

// sortings are what can be done about any case: they decide nothing.
var sortings = map[string]deed{
	"take": {"exceptions.work", func(_ context.Context, v *visit, c caseRow) (string, error) {
		return "The case is yours", v.write(func(tx *db.Tx) error { return exception.Assign(tx, c.ID, v.actor(), c.Version) })
	}},
	"sleep": {"exceptions.work", func(_ context.Context, v *visit, c caseRow) (string, error) {
		return "The case sleeps", v.write(func(tx *db.Tx) error { return exception.Snooze(tx, c.ID, v.now.Add(nearly), c.Version) })
	}},
	"give_back": {"exceptions.work", func(_ context.Context, v *visit, c caseRow) (string, error) {
		return "The case is for everybody again", v.write(func(tx *db.Tx) error { return exception.Assign(tx, c.ID, "", c.Version) })
	}},
	"wake": {"exceptions.work", func(_ context.Context, v *visit, c caseRow) (string, error) {
		return "The case is back in the list", v.write(func(tx *db.Tx) error { return exception.Snooze(tx, c.ID, time.Time{}, c.Version) })
	}},
	"reopen": {"exceptions.work", func(_ context.Context, v *visit, c caseRow) (string, error) {
		return "The case is open again", v.write(func(tx *db.Tx) error { return exception.Reopen(tx, c.ID, v.actor()) })
	}},
}

// api has the person do one request of the API about whatever version there is.
func (v *visit) api(ctx context.Context, path string, body map[string]any) error {
	return v.Do(ctx, v.who, post, path, "*", body, nil)
}

func orderAPI(c caseRow) string { return "/orders/" + c.Order }

// agreed records what was agreed with the courier about a parcel, as of now. What its life does not allow is shown to a person.
func (v *visit) agreed(ctx context.Context, c caseRow, what courier.Status) error {
	if err := v.api(ctx, "/shipments/"+c.Subject+"/scan", map[string]any{"status": what, "at": v.now}); err != nil {
		return err
	}
	return v.write(func(tx *db.Tx) error {
		return exception.Clear(tx, v.actor(), "agreed with the courier: "+string(what), exception.Key{Cause: c.Row.Cause, SubjectKind: c.SubjectKind, Subject: c.Subject})
	})
}

// external is the order of a case as its channel knows it.
func (v *visit) external(c caseRow) (account, external string, err error) {
	if c.Order == "" {
		return c.Account, c.external(), nil
	}
	err = v.read(func(tx *db.Tx) error {
		o, err := v.Order.Get(tx, c.Order)
		account, external = o.Account, o.External
		return err
	})
	return account, external, err
}

// resolve closes a case; a stuck message no longer waits then.
func (v *visit) resolve(c caseRow, how string) error {
	return v.write(func(tx *db.Tx) error {
		if err := exception.Resolve(tx, c.ID, v.actor(), how, c.Version); err != nil || c.SubjectKind != "inbox" {
			return err
		}
		return v.Connect.Resolved(tx, c.Subject, v.actor())
	})
}

// caseResolve closes a case with a person's words.
func caseResolve(v *visit) error {
	how := v.form("resolution")
	if how == "" {
		return fault.Field("resolution", "is missing: say what was done about it")
	}
	c, err := v.caseAt(v.id())
	if err == nil {
		err = v.resolve(c, how)
	}
	if err != nil {
		return err
	}
	return v.caseDone(c.ID, v.undoable(c, flash{Text: v.T("The case is closed")}))
}

// caseSnooze hides a case for some hours; with 0 it is back, which is the undo.
func caseSnooze(v *visit) error {
	hours, err := strconv.Atoi(v.form("hours"))
	if err != nil || hours < 0 || hours > 24*30 {
		return fault.Field("hours", "is a number of hours, up to 30 days")
	}
	until := time.Time{}
	if hours > 0 {
		until = v.now.Add(time.Duration(hours) * time.Hour)
	}
	if err := v.write(func(tx *db.Tx) error { return exception.Snooze(tx, v.id(), until, 0) }); err != nil {
		return err
	}
	if hours == 0 {
		return v.caseDone(v.id(), flash{Text: v.T("The case is back in the list")})
	}
	return v.caseDone(v.id(), flash{Text: v.T("The case sleeps for %d h", hours), Undo: casePath(v.id()) + "/snooze", With: map[string]string{"hours": "0"}})
}

// caseAssign takes a case, gives it to a colleague, or gives it back.
func caseAssign(v *visit) error {
	before, err := v.caseAt(v.id())
	if err != nil {
		return err
	}
	to := ""
	if who := v.form("to"); who != "" {
		var people []choice
		if err := v.read(func(tx *db.Tx) (err error) { people, err = colleagues(tx, v.id()); return err }); err != nil {
			return err
		}
		i := slices.IndexFunc(people, func(c choice) bool { return c.Value == who })
		if i < 0 {
			return fault.Field("to", "nobody of that name works on such cases")
		}
		if err := v.write(func(tx *db.Tx) error { return exception.Assign(tx, v.id(), who, before.Version) }); err != nil {
			return err
		}
		return v.caseDone(v.id(), flash{Text: v.T("The case is with %s", people[i].Title), Undo: casePath(v.id()) + "/assign", With: map[string]string{"to": before.Assignee}})
	}
	f := flash{Text: v.T("The case is for everybody again")}
	if v.form("mine") != "" {
		to = v.actor()
		f = flash{Text: v.T("The case is yours"), Undo: casePath(v.id()) + "/assign"}
	}
	if err := v.write(func(tx *db.Tx) error { return exception.Assign(tx, v.id(), to, 0) }); err != nil {
		return err
	}
	return v.caseDone(v.id(), f)
}

// offers reports whether an action is one of the case's.
func offers(c caseRow, what string) bool {
	for _, f := range c.Fixes {
		if f.Post && f.With["what"] == what {
			return true
		}
	}
	return false
}
