package console

import (
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

type keysPage struct {
	ground
	Items  []access.Key
	Scopes []access.Scope
	Next   string
	Key    string // the key itself, shown this once
	Name   string
	Ended  bool // also those that are over
}

// keyList lists API keys, never the keys themselves.
func keyList(v *visit) error { return v.keysPage("", "") }

func (v *visit) keysPage(plain, name string) error {
	p := keysPage{Scopes: access.Scopes(), Key: plain, Name: name, Ended: v.ask("ended") != ""}
	const size = 100
	err := v.read(func(tx *db.Tx) (err error) {
		if p.ground, err = v.ground(tx); err != nil {
			return err
		}
		p.Items, err = access.List(tx, v.ask("after"), size+1)
		if p.Next = ""; len(p.Items) > size {
			p.Items = p.Items[:size]
			p.Next = p.Items[size-1].ID
		}
		if !p.Ended {
			p.Items = slices.DeleteFunc(p.Items, v.over)
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.page("keys", "API keys", p)
}

// over reports whether a key opens nothing any more.
func (v *visit) over(k access.Key) bool {
	return !k.RevokedAt.IsZero() || !k.ExpiresAt.IsZero() && k.ExpiresAt.Before(v.now)
}

// Over is the same for templates.
func (s sheet) Over(k access.Key) bool { return s.over(k) }

// keyAdd makes a key and shows it this once.
func keyAdd(v *visit) error {
	n := access.NewKey{Name: v.form("name"), Area: v.area()}
	for _, s := range v.r.PostForm["scope"] {
		n.Scopes = append(n.Scopes, access.Scope(clean(s)))
	}
	if text := v.form("expires"); text != "" {
		at, err := time.ParseInLocation(time.DateOnly, text, v.zone)
		if err != nil {
			return fault.Field("expires", "is a day such as 2027-01-31")
		}
		n.Expires = at.AddDate(0, 0, 1)
	}
	plain, key, err := v.Keys.Make(v.r.Context(), v.who, n)
	if err != nil {
		return err
	}
	return v.keysPage(plain.Reveal(), key.Name)
}

// keyDo ends a key, or replaces it and shows the new one this once.
func keyDo(v *visit) error {
	switch v.r.PathValue("act") {
	case "revoke":
		if _, err := v.Keys.Revoke(v.r.Context(), v.who, v.id()); err != nil {
			return err
		}
		return v.back(Base+"/keys", flash{Text: v.T("The key is ended: it opens nothing any more")})
	case "rotate":
		plain, key, err := v.Keys.Rotate(v.r.Context(), v.who, v.id(), overlap)
		if err != nil {
			return err
		}
		return v.keysPage(plain.Reveal(), key.Name)
	}
	return fault.New(fault.NotFound, "there is no such step")
}
