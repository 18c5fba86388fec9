package daraz

import (
	"context"
	"encoding/json"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// listingPage is the greatest page of /products/get; listingCeiling its greatest, deprecated, offset (channel-daraz.md §1.10).
const (
	listingPage    = 50
	listingCeiling = 10000
)

// rawProduct is a product of /products/get; its SKUs are what is sold.
type rawProduct struct {
	ItemID  iop.Scalar `json:"item_id"`
	Status  iop.Scalar `json:"status"`
	Updated iop.Scalar `json:"updated_time"`
	Created iop.Scalar `json:"created_time"`
	Attrs   struct {
		Name iop.Scalar `json:"name"`
	} `json:"attributes"`
	SKUs iop.List[rawSKU] `json:"skus"`
}

type rawSKU struct {
	SellerSKU  iop.Scalar           `json:"SellerSku"`
	ShopSKU    iop.Scalar           `json:"ShopSku"`
	SkuID      iop.Scalar           `json:"SkuId"`
	Status     iop.Scalar           `json:"Status"`
	Price      iop.Scalar           `json:"price"`
	Quantity   iop.Scalar           `json:"quantity"`
	Available  iop.Scalar           `json:"Available"`
	Variation  iop.Scalar           `json:"color_family"`
	Size       iop.Scalar           `json:"size"`
	RealTime   iop.Scalar           `json:"RealTimeStock"`
	Warehouses iop.List[rawHolding] `json:"multiWarehouseInventories"`
}

// rawHolding is one warehouse's stock: sellable = total − withheld − occupied.
type rawHolding struct {
	Code     iop.Scalar `json:"warehouseCode"`
	Quantity iop.Scalar `json:"quantity"`
	Total    iop.Scalar `json:"totalQuantity"`
	Withheld iop.Scalar `json:"withholdQuantity"`
	Occupied iop.Scalar `json:"occupyQuantity"`
	Sellable iop.Scalar `json:"sellableQuantity"`
}

// Listings implements channel.Lister. Products are scrolled by update time; the sorting is not documented, so a page that is not ascending is paged on by
// offset, and the cursor then stays where it was until the end.
func (s *shop) Listings(ctx context.Context, since channel.Cursor) iter.Seq2[channel.Listing, error] {
	return func(yield func(channel.Listing, error) bool) {
		mark, from, err := s.begin(since)
		if err != nil {
			yield(channel.Listing{}, err)
			return
		}
		seen := map[string]bool{}
		sorted := true
		for w := (window{after: from, limit: listingPage}); ; {
			products, err := s.products(ctx, map[string]string{
				"filter": "all", "update_after": w.after.UTC().Format(time.RFC3339), "limit": strconv.Itoa(w.limit), "offset": strconv.Itoa(w.offset),
			})
			if err != nil {
				yield(channel.Listing{}, err)
				return
			}
			last := w.after
			for _, p := range products {
				at, _ := firstScalar(p.Updated, p.Created).Time(s.zone)
				sorted = sorted && !at.Before(last.Add(-time.Second))
				last = at
				if sorted && at.After(mark) {
					mark = at
				}
				if seen[p.ItemID.String()+"@"+at.String()] {
					continue
				}
				seen[p.ItemID.String()+"@"+at.String()] = true
				for _, l := range s.toListings(p, at, cursorOf(mark, p.ItemID.String())) {
					if !yield(l, nil) {
						return
					}
				}
			}
			if len(products) < w.limit {
				return
			}
			if !sorted {
				last = w.after
			}
			if w, err = w.next(last, listingCeiling); err != nil {
				yield(channel.Listing{}, fault.Wrap(fault.Refused, err, "Daraz lists no more products"))
				return
			}
		}
	}
}

func firstScalar(all ...iop.Scalar) iop.Scalar { return iop.Scalar(firstOf(all...)) }

func (s *shop) products(ctx context.Context, params map[string]string) ([]rawProduct, error) {
	var data struct {
		Products iop.List[rawProduct] `json:"products"`
	}
	err := s.into(ctx, get("products", productCodes, params), &data)
	return data.Products, err
}

func (s *shop) toListings(p rawProduct, at time.Time, cursor channel.Cursor) []channel.Listing {
	var out []channel.Listing
	for _, k := range p.SKUs {
		l := channel.Listing{
			Ref:     channel.ListingRef{External: k.SkuID.String(), Parent: p.ItemID.String(), SKU: k.SellerSKU.String(), Alt: k.ShopSKU.String()},
			Title:   p.Attrs.Name.String(),
			Variant: joined(" ", k.Variation, k.Size),
			Active:  live(p.Status) && live(k.Status),
			Updated: at, Cursor: cursor,
		}
		// A price or number that cannot be read is not told; zero would be a lie.
		if price, err := k.Price.Money(s.currency); err == nil {
			l.Price = price
		}
		if n, ok := k.Quantity.Int(); ok {
			l.Quantity = &n
		}
		out = append(out, l)
	}
	return out
}

// live reads a status word; a missing one is not known to be anything else.
func live(status iop.Scalar) bool {
	switch lower(status) {
	case "", "active", "live":
		return true
	}
	return false
}

// Stock implements channel.StockReader: totals, with the units Daraz has promised already inside them. A seller with one warehouse has one reading
// without a location. A listing needs its seller SKU to be asked for.
func (s *shop) Stock(ctx context.Context, listings []channel.ListingRef) ([]channel.StockReading, error) {
	bySKU := map[string]channel.ListingRef{}
	var skus []string
	for _, l := range listings {
		if _, twice := bySKU[l.SKU]; l.SKU != "" && !twice {
			bySKU[l.SKU] = l
			skus = append(skus, l.SKU)
		}
	}
	var out []channel.StockReading
	for len(skus) > 0 {
		// As many SKUs as products fit on a page: each may be a product of its own.
		batch := skus[:min(listingPage, len(skus))]
		skus = skus[len(batch):]
		products, err := s.products(ctx, map[string]string{
			"filter": "all", "options": "1", "limit": strconv.Itoa(listingPage), "offset": "0", "sku_seller_list": jsonText(batch),
		})
		if err != nil {
			return nil, err
		}
		for _, p := range products {
			for _, k := range p.SKUs {
				if l, ok := bySKU[k.SellerSKU.String()]; ok {
					out = append(out, k.readings(l)...)
				}
			}
		}
	}
	return out, nil
}

func (k rawSKU) readings(l channel.ListingRef) []channel.StockReading {
	if len(k.Warehouses) == 0 {
		total, ok := firstScalar(k.RealTime, k.Quantity).Int()
		if !ok {
			return nil
		}
		r := channel.StockReading{Listing: l, Quantity: total}
		if free, ok := k.Available.Int(); ok && k.RealTime != "" {
			r.Held = max(0, total-free)
		}
		return []channel.StockReading{r}
	}
	var out []channel.StockReading
	for _, w := range k.Warehouses {
		r, ok := w.reading(l)
		if !ok {
			continue
		}
		if len(k.Warehouses) > 1 {
			r.Location = place(w.Code.String())
		}
		out = append(out, r)
	}
	return out
}

// reading is a warehouse's total. quantity is the total on some answers and what is sellable on others, so it counts only when nothing better is said.
func (w rawHolding) reading(l channel.ListingRef) (channel.StockReading, bool) {
	withheld, _ := w.Withheld.Int()
	occupied, _ := w.Occupied.Int()
	free, sellable := w.Sellable.Int()
	total, told := w.Total.Int()
	switch {
	case told && sellable:
		return channel.StockReading{Listing: l, Quantity: total, Held: max(0, total-free)}, true
	case told:
		return channel.StockReading{Listing: l, Quantity: total, Held: withheld + occupied}, true
	case sellable:
		return channel.StockReading{Listing: l, Quantity: free + withheld + occupied, Held: withheld + occupied}, true
	}
	n, ok := w.Quantity.Int()
	return channel.StockReading{Listing: l, Quantity: n, Held: withheld + occupied}, ok
}

// detail is a remark of a product call about one of its SKUs.
type detail struct {
	SellerSKU  iop.Scalar `json:"seller_sku"`
	SellerSKU2 iop.Scalar `json:"SellerSku"`
	SkuID      iop.Scalar `json:"sku_id"`
	SkuID2     iop.Scalar `json:"SkuId"`
	Field      iop.Scalar `json:"field"`
	Code       iop.Scalar `json:"code"`
	Message    iop.Scalar `json:"message"`
}

// about says whether the remark is about this listing.
func (d detail) about(l channel.ListingRef) bool {
	if sku := firstOf(d.SellerSKU, d.SellerSKU2); sku != "" {
		return sku == l.SKU
	}
	if id := firstOf(d.SkuID, d.SkuID2); id != "" {
		return id == l.External
	}
	return d.Field != "" && (d.Field.String() == l.SKU || l.External != "" && d.Field.String() == l.External)
}

// err is the remark as a refusal: by its own code, by a code its message begins with, else as the call's.
func (d detail) err(call string) error {
	code := d.Code.String()
	if code == "" {
		if word, _, ok := strings.Cut(d.Message.String(), ":"); ok && iop.Scalar(word).Digits() {
			code = word
		}
	}
	if code == "" {
		code = call
	}
	return iop.Classify(iop.Failure{Code: code, Message: d.Message.String(), Type: "ISV", Inner: true}, productCodes, false)
}

func readDetails(raw json.RawMessage) []detail {
	var list iop.List[detail]
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

// refusal is what Daraz said about a whole product call, with its remarks about SKUs.
type refusal struct {
	err     error
	details []detail
}
