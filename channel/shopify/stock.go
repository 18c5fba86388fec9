package shopify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// maxQuantities is how many levels one call may set. https://shopify.dev/docs/api/usage/limits (arrays of input)
const maxQuantities = 250

// pushed is one level on its way.
type pushed struct {
	index          int
	item, location string
	channel.StockLevel
}

// SetStock sets what is available: the number from which Shopify has already taken its open orders. Was becomes the compare-and-swap; a stale one is
// fault.Conflict, with Now when Shopify could be asked. Each batch carries an idempotency key made of its levels' keys.
// https://shopify.dev/docs/api/admin-graphql/latest/mutations/inventorySetQuantities
func (a *adapter) SetStock(ctx context.Context, levels []channel.StockLevel) ([]channel.Verdict, error) {
	verdicts := make([]channel.Verdict, len(levels))
	todo, err := a.prepare(ctx, levels, verdicts)
	if err != nil {
		return nil, err
	}
	var stale []pushed
	for len(todo) > 0 {
		n := a.batch(todo)
		late, err := a.setBatch(ctx, todo[:n], verdicts)
		if err != nil {
			return verdicts[:todo[0].index], err
		}
		stale = append(stale, late...)
		todo = todo[n:]
	}
	a.look(ctx, stale, verdicts)
	return verdicts, nil
}

// prepare finds the stock item of every level and gives a verdict to those that cannot be asked for.
func (a *adapter) prepare(ctx context.Context, levels []channel.StockLevel, verdicts []channel.Verdict) ([]pushed, error) {
	var missing []string
	for _, l := range levels {
		if l.Listing.Stock == "" && l.Listing.External != "" {
			missing = append(missing, l.Listing.External)
		}
	}
	found, _, err := a.variants(ctx, missing)
	if err != nil {
		return nil, err
	}
	var todo []pushed
	twice := map[[2]string]bool{}
	for i, l := range levels {
		p := pushed{index: i, item: l.Listing.Stock, location: l.Location, StockLevel: l}
		if p.item == "" {
			p.item = found[l.Listing.External].item
		}
		pair := [2]string{p.item, p.location}
		switch {
		case p.item == "":
			verdicts[i].Err = fault.New(fault.NotFound, "Shopify knows no such variant")
		case p.location == "":
			verdicts[i].Err = fault.Field("location", "is needed to set stock at Shopify")
		case l.Quantity < 0:
			verdicts[i].Err = fault.Field("quantity", "%d is below zero", l.Quantity).WithCode("INVALID_QUANTITY_NEGATIVE")
		case twice[pair]:
			verdicts[i].Err = fault.Field("listing", "is there twice for one location").WithCode("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR")
		default:
			twice[pair] = true
			todo = append(todo, p)
		}
	}
	return todo, nil
}

// batch is how many of the next levels go into one call: before changeFromQuantity, whether to compare was said once for the whole call.
func (a *adapter) batch(todo []pushed) int {
	n := 0
	for n < len(todo) && n < maxQuantities {
		if !a.atLeast(versionIdempotent) && (todo[n].Was == nil) != (todo[0].Was == nil) {
			break
		}
		n++
	}
	return n
}

// setBatch sets levels that all go into one call. Shopify takes all or none, so those it refuses are left out and the rest is sent again.
func (a *adapter) setBatch(ctx context.Context, batch []pushed, verdicts []channel.Verdict) (stale []pushed, err error) {
	todo := slices.Clone(batch)
	for len(todo) > 0 {
		errs, err := a.setQuantities(ctx, todo)
		if err != nil {
			return nil, err
		}
		if len(errs) == 0 {
			return stale, nil
		}
		before := len(todo)
		for i, u := range blamed(errs, "quantities", len(todo)) {
			p := todo[i]
			verdicts[p.index].Err = u.fault()
			if fault.Is(verdicts[p.index].Err, fault.Conflict) {
				stale = append(stale, p)
			}
		}
		todo = slices.DeleteFunc(todo, func(p pushed) bool { return verdicts[p.index].Err != nil })
		if len(todo) == before {
			late, err := a.setSingly(ctx, todo, errs, verdicts)
			return append(stale, late...), err
		}
	}
	return stale, nil
}

// setSingly sets levels one by one, because Shopify's errors do not say which of them they are about.
func (a *adapter) setSingly(ctx context.Context, todo []pushed, errs []userError, verdicts []channel.Verdict) (stale []pushed, err error) {
	if len(todo) == 1 {
		verdicts[todo[0].index].Err = refused(errs)
		if fault.Is(refused(errs), fault.Conflict) {
			stale = todo
		}
		return stale, nil
	}
	for i := range todo {
		late, err := a.setBatch(ctx, todo[i:i+1], verdicts)
		if err != nil {
			return nil, err
		}
		stale = append(stale, late...)
	}
	return stale, nil
}

// blamed says which items of a list the errors are about, by the number after the list's name in the field path.
func blamed(errs []userError, in string, n int) map[int]userError {
	at := map[int]userError{}
	for _, u := range errs {
		i := slices.Index(u.Field, in)
		if i < 0 || i+1 >= len(u.Field) {
			continue
		}
		if k, err := strconv.Atoi(u.Field[i+1]); err == nil && k >= 0 && k < n {
			if _, already := at[k]; !already {
				at[k] = u
			}
		}
	}
	return at
}

// setQuantities makes one call, under a new key when an earlier attempt with the same one failed.
func (a *adapter) setQuantities(ctx context.Context, todo []pushed) ([]userError, error) {
	rows := make([]map[string]any, 0, len(todo))
	for _, p := range todo {
		row := map[string]any{"inventoryItemId": gid("InventoryItem", p.item), "locationId": gid("Location", p.location), "quantity": p.Quantity}
		// A nil Was must be sent as null: leaving changeFromQuantity out is an error from 2026-04.
		switch {
		case a.atLeast(versionIdempotent):
			row["changeFromQuantity"] = p.Was
		case p.Was != nil:
			row["compareQuantity"] = *p.Was
		}
		rows = append(rows, row)
	}
	input := map[string]any{"name": "available", "reason": a.reason(), "quantities": rows}
	var answer struct {
		Set struct {
			Errors []userError `json:"userErrors"`
		} `json:"inventorySetQuantities"`
	}
	if !a.atLeast(versionIdempotent) {
		input["ignoreCompareQuantity"] = todo[0].Was == nil
		_, err := a.ask(ctx, "SetStock", map[string]any{"input": input}, &answer)
		return answer.Set.Errors, err
	}
	err := withKey(batchKey(todo, rows), func(key string) error {
		answer.Set.Errors = nil
		if _, err := a.ask(ctx, "SetStock", map[string]any{"input": input, "key": key}, &answer); err != nil {
			return err
		}
		return keyFault(answer.Set.Errors)
	})
	return answer.Set.Errors, err
}

func (a *adapter) reason() string {
	if r := a.cfg.Setting("stock_reason"); r != "" {
		return r
	}
	return "correction"
}

// batchKey is stable over repeats of one push, and another one as soon as anything in it differs.
func batchKey(todo []pushed, rows []map[string]any) string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	for i, p := range todo {
		_ = enc.Encode([]any{p.Key, rows[i]}) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// maxAttempts bounds how often a new key is made for an attempt that Shopify says has failed.
const maxAttempts = 3

// withKey calls with a key, and with the next one when Shopify says that the attempt under it failed before: then nothing was done under it.
func withKey(key string, call func(key string) error) error {
	var err error
	for n := range maxAttempts {
		attempt := key
		if n > 0 {
			attempt += "-" + strconv.Itoa(n+1)
		}
		if err = call(attempt); fault.CodeOf(err) != codeAttemptFailed {
			return err
		}
	}
	return err
}

// keyFault is the failure when user errors are about the idempotency key and not about the content.
func keyFault(errs []userError) error {
	for _, u := range errs {
		if err := repeated(string(u.Code)); err != nil {
			return err
		}
	}
	return nil
}

// look tells what Shopify shows now for levels whose comparison failed. It is a courtesy: when it fails, the verdicts stand without it.
func (a *adapter) look(ctx context.Context, stale []pushed, verdicts []channel.Verdict) {
	if len(stale) == 0 {
		return
	}
	var refs []channel.ListingRef
	for _, p := range stale {
		refs = append(refs, channel.ListingRef{Stock: p.item})
	}
	readings, err := a.Stock(ctx, refs)
	if err != nil {
		return
	}
	for _, p := range stale {
		for _, r := range readings {
			if r.Listing.Stock == p.item && r.Location == p.location {
				verdicts[p.index].Now = &r.Quantity
			}
		}
	}
}

type graphLevel struct {
	Location   *legacy `json:"location"`
	Quantities []struct {
		Name     string `json:"name"`
		Quantity text   `json:"quantity"`
	} `json:"quantities"`
}

func (g graphLevel) available() (int64, bool) {
	for _, q := range g.Quantities {
		if q.Name == "available" {
			n, err := strconv.ParseInt(string(q.Quantity), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// itemsPerRead keeps the cost of one read under Shopify's ceiling.
const itemsPerRead = 10

// Stock reads what is available of each listing at every location of the shop.
func (a *adapter) Stock(ctx context.Context, listings []channel.ListingRef) ([]channel.StockReading, error) {
	refs, err := a.stockItems(ctx, listings)
	if err != nil {
		return nil, err
	}
	var out []channel.StockReading
	for chunk := range slices.Chunk(refs, itemsPerRead) {
		byItem := map[string]channel.ListingRef{}
		var gids []string
		for _, r := range chunk {
			byItem[r.Stock] = r
			gids = append(gids, gid("InventoryItem", r.Stock))
		}
		var answer struct {
			Nodes []*struct {
				ID     text                   `json:"legacyResourceId"`
				Levels connection[graphLevel] `json:"inventoryLevels"`
			} `json:"nodes"`
		}
		if _, err := a.ask(ctx, "Stock", map[string]any{"ids": gids}, &answer); err != nil {
			return nil, err
		}
		for _, n := range answer.Nodes {
			if n == nil || n.ID == "" {
				continue
			}
			levels := n.Levels.Nodes
			more, err := a.moreLevels(ctx, string(n.ID), n.Levels.Page)
			if err != nil {
				return nil, err
			}
			for _, g := range append(levels, more...) {
				if q, ok := g.available(); ok {
					out = append(out, channel.StockReading{Listing: byItem[string(n.ID)], Location: g.Location.id(), Quantity: q})
				}
			}
		}
	}
	return out, nil
}

// moreLevels reads the locations after the first page.
func (a *adapter) moreLevels(ctx context.Context, item string, p page) ([]graphLevel, error) {
	vars := map[string]any{"id": gid("InventoryItem", item)}
	var all []graphLevel
	for {
		var err error
		if vars, err = p.next(vars); err != nil || vars == nil {
			return all, err
		}
		var answer struct {
			Item *struct {
				Levels connection[graphLevel] `json:"inventoryLevels"`
			} `json:"inventoryItem"`
		}
		if _, err := a.ask(ctx, "StockLevels", vars, &answer); err != nil {
			return nil, err
		}
		if answer.Item == nil {
			return all, nil
		}
		all, p = append(all, answer.Item.Levels.Nodes...), answer.Item.Levels.Page
	}
}

// stockItems fills in the stock items of listings that name only their variant, and leaves out what Shopify does not know.
func (a *adapter) stockItems(ctx context.Context, listings []channel.ListingRef) ([]channel.ListingRef, error) {
	var missing []string
	for _, l := range listings {
		if l.Stock == "" && l.External != "" {
			missing = append(missing, l.External)
		}
	}
	found, _, err := a.variants(ctx, missing)
	if err != nil {
		return nil, err
	}
	var out []channel.ListingRef
	for _, l := range listings {
		if l.Stock == "" {
			l.Stock = found[l.External].item
		}
		if l.Stock != "" && !slices.ContainsFunc(out, func(o channel.ListingRef) bool { return o.Stock == l.Stock }) {
			out = append(out, l)
		}
	}
	return out, nil
}
