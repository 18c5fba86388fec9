package shopify

import (
	"context"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// sweep is how far a listing of variants has come. Shopify cannot sort them by update time, so they are swept in the order of their ids: those changed since
// from, begun at began, up to id. When a sweep is complete the next one starts from its beginning. As a cursor: "since|began|id", each may be empty.
type sweep struct {
	since, began time.Time
	id           string
}

func parseSweep(c channel.Cursor) (sweep, error) {
	if c == "" {
		return sweep{}, nil
	}
	bad := fault.Field("cursor", "%.80q is not a cursor of Shopify listings", string(c))
	parts := strings.Split(string(c), "|")
	if len(parts) != 3 {
		return sweep{}, bad
	}
	var s sweep
	for i, at := range []*time.Time{&s.since, &s.began} {
		if parts[i] == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, parts[i])
		if err != nil {
			return sweep{}, bad
		}
		*at = t.UTC()
	}
	if s.id = parts[2]; s.id != "" {
		if _, err := strconv.ParseUint(s.id, 10, 64); err != nil {
			return sweep{}, bad
		}
	}
	return s, nil
}

func (s sweep) cursor() channel.Cursor {
	write := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return channel.Cursor(write(s.since) + "|" + write(s.began) + "|" + s.id)
}

func (s sweep) query(overlap time.Duration) string {
	var terms []string
	if !s.since.IsZero() {
		terms = append(terms, "updated_at:>='"+s.since.Add(-overlap).UTC().Format(time.RFC3339)+"'")
	}
	if s.id != "" {
		terms = append(terms, "id:>"+s.id)
	}
	return strings.Join(terms, " AND ")
}

type graphVariant struct {
	ID       text   `json:"legacyResourceId"`
	Title    string `json:"title"`
	SKU      text   `json:"sku"`
	Barcode  text   `json:"barcode"`
	Price    text   `json:"price"`
	Quantity *text  `json:"inventoryQuantity"`
	Updated  text   `json:"updatedAt"`
	Item     *struct {
		ID      text `json:"legacyResourceId"`
		Tracked bool `json:"tracked"`
	} `json:"inventoryItem"`
	Product *struct {
		ID     text   `json:"legacyResourceId"`
		Title  string `json:"title"`
		Status text   `json:"status"`
	} `json:"product"`
}

// Listings sweeps all variants, or those changed since the last complete sweep. SKU and barcode are what the merchant typed: neither unique nor required.
func (a *adapter) Listings(ctx context.Context, since channel.Cursor) iter.Seq2[channel.Listing, error] {
	return func(yield func(channel.Listing, error) bool) {
		at, err := parseSweep(since)
		if err != nil {
			yield(channel.Listing{}, err)
			return
		}
		if at.began.IsZero() {
			at.began = a.cfg.Now().UTC()
		}
		vars := map[string]any{"query": at.query(a.overlap)}
		for vars != nil {
			var answer struct {
				Shop struct {
					Currency string `json:"currencyCode"`
				} `json:"shop"`
				Variants connection[graphVariant] `json:"productVariants"`
			}
			if _, err := a.ask(ctx, "Listings", vars, &answer); err != nil {
				yield(channel.Listing{}, err)
				return
			}
			next, err := answer.Variants.Page.next(vars)
			for i, v := range answer.Variants.Nodes {
				l, bad := v.listing(answer.Shop.Currency)
				if bad != nil {
					yield(channel.Listing{}, bad)
					return
				}
				done := at
				if done.id = string(v.ID); next == nil && err == nil && i == len(answer.Variants.Nodes)-1 {
					done = sweep{since: at.began}
				}
				l.Cursor = done.cursor()
				if !yield(l, nil) {
					return
				}
			}
			if err != nil {
				yield(channel.Listing{}, err)
				return
			}
			vars = next
		}
	}
}

func (v graphVariant) listing(currency string) (channel.Listing, error) {
	l := channel.Listing{Ref: channel.ListingRef{External: string(v.ID), SKU: string(v.SKU), Barcode: string(v.Barcode)}}
	if v.Title != "Default Title" { // Shopify's name for the only variant of a product
		l.Variant = v.Title
	}
	if v.Product != nil {
		l.Ref.Parent, l.Title, l.Active = string(v.Product.ID), v.Product.Title, v.Product.Status == "ACTIVE"
	}
	if v.Item != nil {
		l.Ref.Stock = string(v.Item.ID)
	}
	var err error
	if l.Price, err = money.Parse(string(v.Price), currency); err != nil {
		return l, fault.Field("price", "%s of variant %s", fault.Message(err), v.ID)
	}
	if v.Quantity != nil && *v.Quantity != "" && v.Item != nil && v.Item.Tracked {
		n, err := strconv.ParseInt(string(*v.Quantity), 10, 64)
		if err != nil {
			return l, fault.Field("inventoryQuantity", "%.40q is not a number", string(*v.Quantity))
		}
		l.Quantity = &n
	}
	if at, err := time.Parse(time.RFC3339, string(v.Updated)); err == nil {
		l.Updated = at.UTC()
	}
	return l, nil
}

// known is what Shopify knows of a variant beside its id.
type known struct{ item, product string }

// variants looks up stock item and product of variants by id, and the shop's currency.
func (a *adapter) variants(ctx context.Context, ids []string) (all map[string]known, currency string, err error) {
	all = map[string]known{}
	for len(ids) > 0 {
		n := min(len(ids), 100)
		var gids []string
		for _, id := range ids[:n] {
			gids = append(gids, gid("ProductVariant", id))
		}
		var answer struct {
			Shop struct {
				Currency string `json:"currencyCode"`
			} `json:"shop"`
			Nodes []*struct {
				ID      text    `json:"legacyResourceId"`
				Item    *legacy `json:"inventoryItem"`
				Product *legacy `json:"product"`
			} `json:"nodes"`
		}
		if _, err := a.ask(ctx, "Variants", map[string]any{"ids": gids}, &answer); err != nil {
			return nil, "", err
		}
		for _, v := range answer.Nodes {
			if v != nil && v.ID != "" {
				all[string(v.ID)] = known{v.Item.id(), v.Product.id()}
			}
		}
		currency = answer.Shop.Currency
		ids = ids[n:]
	}
	return all, currency, nil
}
