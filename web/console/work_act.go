package console

import (
	"context"

	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// workAct is a step that needs nothing but the fulfillment order: its name, what is said of it, and what takes it back.
type workAct struct {
	said, undo string
	do         func(ctx context.Context, v *visit) error
}

var workActs = map[string]workAct{
	"accept": {said: "Accepted: it is yours to pick", do: func(ctx context.Context, v *visit) error {
		_, err := v.Fulfillment.Accept(ctx, v.id(), v.version(), v.actor())
		return err
	}},
	"hold": {said: "The work is on hold", undo: "unhold", do: func(ctx context.Context, v *visit) error {
		if v.form("reason") == "" {
			return fault.Field("reason", "is missing: it tells the others why the work waits")
		}
		_, err := v.Fulfillment.Hold(ctx, v.id(), v.version(), v.actor(), v.form("reason"))
		return err
	}},
	"unhold": {said: "The work goes on", do: func(ctx context.Context, v *visit) error {
		_, err := v.Fulfillment.Unhold(ctx, v.id(), v.version(), v.actor())
		return err
	}},
	"pack": {said: "Packed: label and waybill follow", undo: "unpack", do: func(ctx context.Context, v *visit) error {
		_, err := v.Fulfillment.Pack(ctx, v.id(), v.version(), v.actor(), nil)
		return err
	}},
	"unpack": {said: "The parcels are open again; their shipments are called off", do: func(ctx context.Context, v *visit) error {
		_, err := v.Fulfillment.Unpack(ctx, v.id(), v.version(), v.actor())
		return err
	}},
}

// workDo carries out a step that has no more to say.
func workDo(v *visit) error {
	act, ok := workActs[v.r.PathValue("act")]
	if !ok {
		return fault.New(fault.NotFound, "there is no such step")
	}
	if err := act.do(v.r.Context(), v); err != nil {
		return err
	}
	f := flash{Text: v.T(act.said)}
	if act.undo != "" {
		f.Undo = Base + "/work/" + v.id() + "/do/" + act.undo
	}
	return v.back(Base+"/work/"+v.id(), f)
}

// workShort says that units are not on the shelf: a short count; finding them is the undo.
func workShort(v *visit) error {
	n, err := v.number("quantity")
	if err != nil {
		return err
	}
	line := v.form("line")
	if _, err := v.Fulfillment.Short(v.r.Context(), v.id(), v.version(), v.actor(), line, n); err != nil {
		return err
	}
	return v.back(Base+"/work/"+v.id(), flash{
		Text: v.T("Noted as missing: they are sourced from elsewhere, or wait as a shortage"),
		Undo: Base + "/work/" + v.id() + "/found", With: map[string]string{"line": line, "quantity": v.form("quantity")},
	})
}

// workFound takes a short count back.
func workFound(v *visit) error {
	n, err := v.number("quantity")
	if err != nil {
		return err
	}
	if _, err := v.Fulfillment.Found(v.r.Context(), v.id(), 0, v.actor(), v.form("line"), n); err != nil {
		return err
	}
	return v.back(Base+"/work/"+v.id(), flash{Text: v.T("They were there after all")})
}

// workReject says that the location does not do the work.
func workReject(v *visit) error {
	if _, err := v.Fulfillment.Reject(v.r.Context(), v.id(), v.version(), v.actor(), fulfillment.Reason(v.form("reason")), nil); err != nil {
		return err
	}
	v.remember(flash{Text: v.T("Rejected: it is sourced from elsewhere, or waits as a shortage")})
	v.see(Base + "/work")
	return nil
}
