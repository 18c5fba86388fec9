package channeltest

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// call is one capability as a recording plays it: an argument in JSON, a result that can be written as JSON.
type call struct {
	write bool // it changes something at the partner: after a broken answer the outcome may be unknown
	do    func(ctx context.Context, ch channel.Channel, r *recording) (any, error)
}

// Calls lists the words that "do:" of a recording and Bench.Fault know.
func Calls() []string {
	var all []string
	for name := range calls {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

var calls = map[string]call{
	"order":    {do: doOrder},
	"orders":   {do: doOrders},
	"listings": {do: doListings},
	"returns":  {do: doReturns},
	"stock": {do: with(func(ctx context.Context, c channel.StockReader, a []channel.ListingRef) (any, error) {
		return c.Stock(ctx, a)
	})},
	"set-stock":   {write: true, do: with(doSetStock)},
	"set-prices":  {write: true, do: with(doSetPrices)},
	"acknowledge": {write: true, do: with(doAcknowledge)},
	"pack":        {write: true, do: with(doPack)},
	"unpack":      {write: true, do: with(doUnpack)},
	"retrack": {write: true, do: with(func(ctx context.Context, c channel.Retracker, a channel.Retracking) (any, error) {
		return nil, c.Retrack(ctx, a)
	})},
	"ship": {write: true, do: with(func(ctx context.Context, c channel.Shipper, a channel.ShipNotice) (any, error) { return c.Ship(ctx, a) })},
	"complete": {write: true, do: with(func(ctx context.Context, c channel.Completer, a channel.Completion) (any, error) {
		return nil, c.Complete(ctx, a)
	})},
	"cancel": {write: true, do: with(func(ctx context.Context, c channel.Canceller, a channel.Cancellation) (any, error) {
		return nil, c.Cancel(ctx, a)
	})},
	"decide-cancel": {write: true, do: with(doDecideCancel)},
	"refund": {write: true, do: with(func(ctx context.Context, c channel.Refunder, a channel.RefundRequest) (any, error) {
		return c.Refund(ctx, a)
	})},
	"decide-return": {write: true, do: with(func(ctx context.Context, c channel.ReturnDecider, a channel.ReturnDecision) (any, error) {
		return nil, c.DecideReturn(ctx, a)
	})},
	"open-return": {write: true, do: with(func(ctx context.Context, c channel.ReturnOpener, a channel.Handling) (any, error) {
		return c.OpenReturn(ctx, a)
	})},
	"buyer": {do: with(doBuyer)},
	"refresh-token": {do: with(func(ctx context.Context, c channel.TokenRefresher, a channel.TokenSet) (any, error) {
		return c.RefreshToken(ctx, a)
	})},
	"find":      {do: with(doFind)},
	"identify":  {do: with(func(ctx context.Context, c channel.Identifier, _ struct{}) (any, error) { return c.Identify(ctx) })},
	"subscribe": {write: true, do: with(doSubscribe)},
}

// with makes a call of a capability C with an argument A, read from args.json.
func with[C, A any](do func(context.Context, C, A) (any, error)) func(context.Context, channel.Channel, *recording) (any, error) {
	return func(ctx context.Context, ch channel.Channel, r *recording) (any, error) {
		c, ok := ch.(C)
		if !ok {
			return nil, fmt.Errorf("%s plays a capability that this channel does not have", r.Name)
		}
		var a A
		if raw, ok := r.Files["args.json"]; ok {
			if err := json.Unmarshal(raw, &a); err != nil {
				return nil, fmt.Errorf("%s: args.json: %w", r.Name, err)
			}
		}
		return do(ctx, c, a)
	}
}

// read is a change with its order, as goldens of listings keep it.
type read struct {
	External string
	Version  time.Time
	ReadAt   time.Time
	Cursor   channel.Cursor
	Hold     string
	Order    channel.Order
}

func doOrder(ctx context.Context, ch channel.Channel, r *recording) (any, error) {
	c, err := ch.Order(ctx, r.Keys["order"])
	if err != nil {
		return nil, err
	}
	return decoded(ch, c)
}

func decoded(ch channel.Channel, c channel.Change) (any, error) {
	o, err := ch.Decode(c.Raw)
	return read{External: c.External, Version: c.Version, ReadAt: c.ReadAt, Cursor: c.Cursor, Hold: c.Hold, Order: o}, err
}

// since is args.json of a listing: {"since": "…"}.
func since(r *recording) (channel.Cursor, error) {
	var a struct{ Since channel.Cursor }
	if raw, ok := r.Files["args.json"]; ok {
		if err := json.Unmarshal(raw, &a); err != nil {
			return "", fmt.Errorf("%s: args.json: %w", r.Name, err)
		}
	}
	return a.Since, nil
}

func doOrders(ctx context.Context, ch channel.Channel, r *recording) (any, error) {
	cursor, err := since(r)
	if err != nil {
		return nil, err
	}
	var all []any
	for c, err := range ch.Orders(ctx, cursor) {
		if err != nil {
			return all, err
		}
		one, err := decoded(ch, c)
		if err != nil {
			return all, err
		}
		all = append(all, one)
	}
	return all, nil
}

func doListings(ctx context.Context, ch channel.Channel, r *recording) (any, error) {
	c, ok := ch.(channel.Lister)
	cursor, err := since(r)
	if !ok || err != nil {
		return nil, fmt.Errorf("%s: no Lister, or: %w", r.Name, err)
	}
	return collect(c.Listings(ctx, cursor))
}

func doReturns(ctx context.Context, ch channel.Channel, r *recording) (any, error) {
	c, ok := ch.(channel.ReturnReader)
	cursor, err := since(r)
	if !ok || err != nil {
		return nil, fmt.Errorf("%s: no ReturnReader, or: %w", r.Name, err)
	}
	return collect(c.Returns(ctx, cursor))
}

func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for v, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

// verdict shows a channel.Verdict in JSON.
type verdict struct {
	Err *failure
	Now *int64
}

// failure shows an error in JSON: what a machine would act on.
type failure struct{ Kind, Code string }

func failed(err error) *failure {
	if err == nil {
		return nil
	}
	return &failure{fault.KindOf(err).String(), fault.CodeOf(err)}
}

func verdicts(all []channel.Verdict, err error) (any, error) {
	out := make([]verdict, len(all))
	for i, v := range all {
		out[i] = verdict{failed(v.Err), v.Now}
	}
	return out, err
}

func doSetStock(ctx context.Context, c channel.StockSetter, a []channel.StockLevel) (any, error) {
	return verdicts(c.SetStock(ctx, a))
}

func doSetPrices(ctx context.Context, c channel.PriceSetter, a []channel.PriceLevel) (any, error) {
	return verdicts(c.SetPrices(ctx, a))
}

func doAcknowledge(ctx context.Context, c channel.Acknowledger, a struct{ Order, Number string }) (any, error) {
	return nil, c.Acknowledge(ctx, a.Order, a.Number)
}

func doPack(ctx context.Context, c channel.Packer, a channel.Handling) (any, error) {
	res, err := c.Pack(ctx, a)
	type refusal struct {
		Unit string
		Err  *failure
	}
	out := struct {
		Packages []channel.Package
		Refused  []refusal
	}{Packages: res.Packages}
	for _, r := range res.Refused {
		out.Refused = append(out.Refused, refusal{r.Unit, failed(r.Err)})
	}
	return out, err
}

func doUnpack(ctx context.Context, c channel.Unpacker, a struct {
	channel.Handling
	Packages []string
},
) (any, error) {
	return nil, c.Unpack(ctx, a.Handling, a.Packages)
}

func doDecideCancel(ctx context.Context, c channel.CancelDecider, a struct {
	Order   string
	Request channel.CancelRequest
	Agree   bool
	Reason  string
},
) (any, error) {
	return nil, c.DecideCancel(ctx, a.Order, a.Request, a.Agree, a.Reason)
}

func doBuyer(ctx context.Context, c channel.BuyerReader, a struct{ Order, Purpose string }) (any, error) {
	p, to, err := c.BuyerOf(ctx, a.Order, a.Purpose)
	return struct {
		Person  channel.Person
		Address channel.Address
	}{p, to}, err
}

func doFind(ctx context.Context, c channel.Finder, a struct {
	Act string
	channel.Handling
},
) (any, error) {
	return c.Find(ctx, a.Act, a.Handling)
}

func doSubscribe(ctx context.Context, c channel.Subscriber, a struct{ Address string }) (any, error) {
	return c.Subscribe(ctx, a.Address)
}
