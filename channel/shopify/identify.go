package shopify

import (
	"context"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
)

// Identify says whose shop this is. Its id is the myshopify.com address, the one name that webhooks carry too.
func (a *adapter) Identify(ctx context.Context) (channel.Shop, error) {
	var answer struct {
		Shop struct {
			Name     string `json:"name"`
			Domain   string `json:"myshopifyDomain"`
			Currency string `json:"currencyCode"`
			Zone     string `json:"ianaTimezone"`
			Address  *struct {
				Country text `json:"countryCodeV2"`
			} `json:"shopAddress"`
		} `json:"shop"`
		App *struct {
			Scopes []struct {
				Handle string `json:"handle"`
			} `json:"accessScopes"`
		} `json:"currentAppInstallation"`
	}
	if _, err := a.ask(ctx, "Identify", nil, &answer); err != nil {
		return channel.Shop{}, err
	}
	shop := channel.Shop{
		ID: strings.ToLower(answer.Shop.Domain), Name: answer.Shop.Name, Currency: answer.Shop.Currency, Zone: answer.Shop.Zone, Version: a.version,
	}
	if v := a.answered.Load(); v != nil {
		shop.Version = *v
	}
	shop.VersionEnds = versionEnds(shop.Version)
	if answer.Shop.Address != nil {
		shop.Country = string(answer.Shop.Address.Country)
	}
	if answer.App != nil {
		for _, s := range answer.App.Scopes {
			shop.Scopes = append(shop.Scopes, s.Handle)
		}
	}
	var err error
	shop.Locations, err = a.locations(ctx)
	return shop, err
}

// versionEnds is when an API version may stop being served: versions come out on the first day of a quarter and are kept for twelve months at least.
// Zero for a word that is no quarterly version. https://shopify.dev/docs/api/usage/versioning
func versionEnds(version string) time.Time {
	at, err := time.Parse("2006-01", version)
	if err != nil {
		return time.Time{}
	}
	return at.AddDate(1, 0, 0)
}

func (a *adapter) locations(ctx context.Context) ([]channel.Location, error) {
	vars := map[string]any{}
	var all []channel.Location
	for {
		var answer struct {
			Locations connection[struct {
				ID      text   `json:"legacyResourceId"`
				Name    string `json:"name"`
				Active  bool   `json:"isActive"`
				Address *struct {
					Country text `json:"countryCode"`
					City    text `json:"city"`
				} `json:"address"`
			}] `json:"locations"`
		}
		if _, err := a.ask(ctx, "Locations", vars, &answer); err != nil {
			return nil, err
		}
		for _, n := range answer.Locations.Nodes {
			l := channel.Location{External: string(n.ID), Name: n.Name, Active: n.Active}
			if n.Address != nil {
				l.Country, l.City = string(n.Address.Country), string(n.Address.City)
			}
			all = append(all, l)
		}
		var err error
		if vars, err = answer.Locations.Page.next(vars); err != nil || vars == nil {
			return all, err
		}
	}
}
