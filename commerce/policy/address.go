package policy

import (
	"context"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/platform/db"
)

// CheckAddress names the fields that are missing for a parcel to a country today: empty means that it could be sent. It is called outside
// transactions, where addresses are open; a field written a|b wants one of the two. Without a country nothing can be said but that.
func (s *Service) CheckAddress(ctx context.Context, country string, a channel.Address) (missing []string, err error) {
	if country == "" {
		return []string{"country"}, nil
	}
	if t, fresh := s.held(s.need.DB.Now()); fresh { // asked once an order by the importer: no transaction for what is in memory
		rules, err := t.rules(country, "", s.need.DB.Now())
		return rules.Missing(a), err
	}
	err = s.read(ctx, func(tx *db.Tx) error {
		rules, err := s.Rules(tx, country, "", tx.Now)
		missing = rules.Missing(a)
		return err
	})
	return missing, err
}
