package demo

import (
	"context"
	"net/http"

	"github.com/openclaw-pos/commerce/sim/shopify"
)

// Opening is another Shopify shop, of which nobody has told us yet: what a form needs to know to add it.
type Opening struct {
	Domain, URL, ClientID, Secret string
	Shop                          *shopify.Shop
	server                        *http.Server
}

// OpenShop opens another Shopify shop in Pakistan with one location and a few of our goods. Close it.
func (s *Stage) OpenShop(_ context.Context, name string) (*Opening, error) {
	o := &Opening{Domain: name + ".myshopify.com", ClientID: "client-" + name, Secret: "secret-" + name}
	var err error
	o.Shop, err = shopify.New(shopify.Config{
		Domain: o.Domain, Name: name, ClientID: o.ClientID, ClientSecret: o.Secret, Currency: "PKR", Country: "PK", TimeZone: "Asia/Karachi", TaxRate: "0.18",
		Locations: []shopify.LocationSpec{{Name: "Main store"}}, WebhookScale: 1e-3, WebhookWorkers: 2, Seed: 7, PlainHTTP: true, BucketSize: 20000, RestoreRate: 20000,
	})
	if err != nil {
		return nil, err
	}
	for _, ours := range s.play.world.range_[:3] {
		if _, err := o.Shop.AddProduct(shopify.ProductSpec{SKU: ours.sku, Barcode: ours.gtin, Title: ours.title, Price: "950.00", Stock: map[string]int{"Main store": 5}, Grams: 300}); err != nil {
			return nil, err
		}
	}
	o.server, o.URL, err = listen(o.Shop.Handler())
	return o, err
}

// Close closes the shop.
func (o *Opening) Close() error {
	o.Shop.Close()
	return o.server.Close()
}
