package torture

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// company sets the shop up the way a person does: a company, a warehouse, products, stock, and its accounts.
func (r *run) company(ctx context.Context) error {
	h := r.house
	var products, prices, stock strings.Builder
	products.WriteString("sku,title\n")
	prices.WriteString("sku,price,currency,country\n")
	stock.WriteString("sku,location,quantity\n")
	for _, sku := range r.market.skus {
		fmt.Fprintf(&products, "%s,Thing %s\n", sku, sku)
		fmt.Fprintf(&prices, "%s,%d.00,PKR,PK\n", sku, r.market.prices[sku]/100)
		fmt.Fprintf(&stock, "%s,WH,%d\n%s,%s,%d\n", sku, stockEach, sku, branch, stockEach/4)
	}
	for _, st := range []struct {
		method, path string
		body         any
	}{
		{http.MethodPost, "/legal-entities", map[string]any{"code": "PK", "name": "Torture (Pvt) Ltd", "country": "PK", "currency": "PKR"}},
		{http.MethodPut, "/locations/WH", place("WH", false)},
		{http.MethodPut, "/locations/" + branch, place(branch, false)},
		{http.MethodPost, "/imports/products", products.String()},
		{http.MethodPost, "/imports/prices", prices.String()},
		{http.MethodPost, "/imports/stock", stock.String()},
	} {
		if _, err := h.must(ctx, st.method, st.path, st.body); err != nil {
			return err
		}
	}
	for i, s := range r.market.shops {
		s.mode = []string{"live", "shadow"}[i]
		if err := r.openShopifyAccount(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	if err := r.openDarazAccount(ctx); err != nil {
		return err
	}
	return r.openSite(ctx)
}

// add makes an account and answers its id.
func (r *run) add(ctx context.Context, body map[string]any) (string, error) {
	body["country"], body["currency"], body["zone"], body["legal_entity"] = "PK", "PKR", "Asia/Karachi", "PK"
	a, err := r.house.must(ctx, http.MethodPost, "/accounts", body)
	if err != nil {
		return "", err
	}
	var made struct {
		ID string `json:"id"`
	}
	return made.ID, a.into(&made)
}

func (r *run) openShopifyAccount(ctx context.Context, s *shopifyShop) error {
	var err error
	s.id, err = r.add(ctx, map[string]any{
		"name": s.name, "channel": "shopify", "mode": s.mode,
		"settings": map[string]string{"shop": s.shop.Domain(), "base_url": s.addr, "client_id": "torture", "poll_seconds": "1", "acknowledge_tag": "openclaw {number}", "overlap_seconds": "1"},
		"secrets":  map[string]string{"client_secret": "torture-secret-" + s.name},
	})
	if err != nil {
		return err
	}
	a, err := r.house.must(ctx, http.MethodPost, "/accounts/"+s.id+"/check", map[string]any{})
	if err != nil {
		return err
	}
	var shop struct {
		Locations []struct {
			External string `json:"external_id"`
			Name     string `json:"name"`
		} `json:"locations"`
	}
	if err := a.into(&shop); err != nil {
		return err
	}
	if len(shop.Locations) == 0 || shop.Locations[0].External == "" {
		return fmt.Errorf("the shop's locations are not told: %s", a.body)
	}
	for _, ours := range []string{"WH", branch} {
		if _, err := r.house.must(ctx, http.MethodPut, "/accounts/"+s.id+"/locations/"+ours, map[string]any{"external_id": shop.Locations[0].External}); err != nil {
			return err
		}
	}
	if err := r.listings(ctx, s.id); err != nil {
		return err
	}
	return s.subscribe("http://" + r.house.addr + "/hooks/" + s.name)
}

// listings reads what a shop offers, after the program has done so by itself if it is just at it.
func (r *run) listings(ctx context.Context, account string) error {
	for deadline := time.Now().Add(patience); ; {
		a, err := r.house.call(ctx, http.MethodPost, "/accounts/"+account+"/pull", "*", map[string]any{"what": "listings"})
		if err != nil || a.ok() {
			return err
		}
		if a.status != http.StatusConflict || time.Now().After(deadline) {
			return fmt.Errorf("listings: %d %s", a.status, a.body)
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

func (r *run) openDarazAccount(ctx context.Context) error {
	s := r.market.daraz
	var err error
	s.id, err = r.add(ctx, map[string]any{
		"name": s.name, "channel": "daraz", "mode": "live", "app": "torture",
		"settings": map[string]string{"venture": "pk", "app_key": "torture", "base_url": s.addr + "/rest", "poll_seconds": "1"},
		"secrets":  map[string]string{"app_secret": "torture-secret-daraz", "code": s.shop.Authorize()},
	})
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if err := r.listings(ctx, s.id); err != nil {
		return err
	}
	s.market.SetCallback("http://" + r.house.addr + "/hooks/app/daraz/torture")
	return nil
}

func (r *run) openSite(ctx context.Context) error {
	var err error
	r.market.site.id, err = r.add(ctx, map[string]any{"name": "web", "channel": "ownsite", "mode": "live", "settings": map[string]string{"storefront": "web", "poll_seconds": "1"}})
	if err != nil {
		return fmt.Errorf("web: %w", err)
	}
	_, err = r.house.must(ctx, http.MethodPost, "/storefronts", map[string]any{
		"code": "web", "account": "web", "deliveries": []map[string]any{{"code": "standard", "price": map[string]string{"amount": "250", "currency": "PKR"}}},
	})
	return err
}

// goLive takes an account that only looked on so far into our hands. A person asks again until it is so, or as long as there is time.
func (r *run) goLive(ctx context.Context, s *shopifyShop, long time.Duration) error {
	said := ""
	for deadline := time.Now().Add(long); time.Now().Before(deadline); {
		now, err := r.house.call(ctx, http.MethodGet, "/accounts/"+s.id, "", nil)
		var acc struct {
			Mode string `json:"mode"`
		}
		if err == nil && now.ok() && now.into(&acc) == nil {
			if acc.Mode == "live" {
				s.mode = acc.Mode
				r.did("shadow to live")
				return nil
			}
			a, err := r.house.call(ctx, http.MethodPost, "/accounts/"+s.id+"/mode", now.etag, map[string]any{"mode": "live", "accept_differences": true})
			if said = fmt.Sprintf("%d %s", a.status, a.body); err != nil {
				said = err.Error()
			}
		}
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s does not go live: %s", s.name, said)
}

// authorize does what a person does about an account whose tokens are no longer taken: a renewal whose answer was lost spends the refresh token for good.
func (r *run) authorize(ctx context.Context) error {
	for id, secrets := range map[string]func() map[string]string{
		r.market.daraz.id: func() map[string]string { return map[string]string{"code": r.market.daraz.shop.Authorize()} },
		r.market.shops[0].id: func() map[string]string {
			return map[string]string{"client_secret": "torture-secret-" + r.market.shops[0].name}
		},
		r.market.shops[1].id: func() map[string]string {
			return map[string]string{"client_secret": "torture-secret-" + r.market.shops[1].name}
		},
	} {
		now, err := r.house.must(ctx, http.MethodGet, "/accounts/"+id, nil)
		if err != nil {
			return err
		}
		var acc struct {
			State string `json:"state"`
		}
		if err := now.into(&acc); err != nil {
			return err
		}
		if acc.State != "unauthorized" {
			continue
		}
		a, err := r.house.call(ctx, http.MethodPost, "/accounts/"+id+"/authorize", now.etag, map[string]any{"secrets": secrets()})
		if err == nil && !a.ok() {
			err = fmt.Errorf("the account is not authorized again: %d %s", a.status, a.body)
		}
		if err != nil {
			return err
		}
		r.did("account authorized again")
	}
	return nil
}
