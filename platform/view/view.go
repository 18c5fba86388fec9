// Package view keeps the lists that people come back to: a page with what was filtered, under a name of their own. Start at Save.
//
// A view holds an address and no rows: whoever opens it sees what they may see then.
package view

import (
	"strings"
	"unicode/utf8"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// View is a list as somebody keeps it.
type View struct {
	ID        string
	User      string
	Page      string // which list
	Name      string
	Query     string // what is filtered, as it stands in the address
	Preferred bool   // the list opens with it
	Version   int64
}

const (
	mostViews = 50 // of one person on one page
	mostName  = 60 // characters
	mostQuery = 2000
)

const columns = `id, user_id, page, name, query, preferred, version`

func scan(row db.Scanner) (v View, err error) {
	return v, row.Scan(&v.ID, &v.User, &v.Page, &v.Name, &v.Query, &v.Preferred, &v.Version)
}

// Of lists what a person keeps of a page, by name.
func Of(tx *db.Tx, user, page string) ([]View, error) {
	return db.All(tx, scan, `select `+columns+` from saved_views where user_id = $1 and page = $2 order by name`, user, page)
}

// Save keeps a list under a name; the name is given to the new one where the person has it already. Faults: Invalid for a name or an address that is too long, or when
// there are too many.
func Save(tx *db.Tx, v View) (View, error) {
	v.Name = strings.TrimSpace(v.Name)
	switch {
	case v.Name == "" || utf8.RuneCountInString(v.Name) > mostName:
		return View{}, fault.Field("name", "is a name of up to %d characters", mostName)
	case len(v.Query) > mostQuery:
		return View{}, fault.Field("query", "is too long to keep")
	}
	have, err := Of(tx, v.User, v.Page)
	if err != nil {
		return View{}, err
	}
	for _, x := range have {
		if x.Name == v.Name {
			_, err := tx.Exec(`update saved_views set query = $2, updated_at = $3, version = version + 1 where id = $1`, x.ID, v.Query, tx.Now.UnixMicro())
			x.Query, x.Version = v.Query, x.Version+1
			return x, err
		}
	}
	if len(have) >= mostViews {
		return View{}, fault.New(fault.Conflict, "you keep %d views of this page: delete one first", mostViews)
	}
	v.ID, v.Version = db.ID(), 1
	_, err = tx.Exec(`insert into saved_views (id, user_id, page, name, query, preferred, created_at, updated_at, version) values ($1, $2, $3, $4, $5, $6, $7, $7, 1)`,
		v.ID, v.User, v.Page, v.Name, v.Query, v.Preferred, tx.Now.UnixMicro())
	return v, err
}

// Rename gives a person's view another name. Faults: NotFound; Invalid; Conflict when the person has one of that name.
func Rename(tx *db.Tx, user, id, name string) error {
	name = strings.TrimSpace(name)
	if name == "" || utf8.RuneCountInString(name) > mostName {
		return fault.Field("name", "is a name of up to %d characters", mostName)
	}
	v, err := Get(tx, user, id)
	if err != nil {
		return err
	}
	same, err := Of(tx, user, v.Page)
	if err != nil {
		return err
	}
	for _, x := range same {
		if x.Name == name && x.ID != id {
			return fault.New(fault.Conflict, "you have a view of that name already")
		}
	}
	_, err = tx.Exec(`update saved_views set name = $3, updated_at = $4, version = version + 1 where id = $1 and user_id = $2`, id, user, name, tx.Now.UnixMicro())
	return err
}

// Prefer has a page open with a view, or with everything when on is false.
func Prefer(tx *db.Tx, user, id string, on bool) error {
	v, err := Get(tx, user, id)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`update saved_views set preferred = (id = $3) and $4, updated_at = $5, version = version + 1 where user_id = $1 and page = $2`,
		user, v.Page, id, on, tx.Now.UnixMicro()); err != nil {
		return err
	}
	return nil
}

// Delete takes a view away and answers what it was, so that it can be brought back. Fault: NotFound.
func Delete(tx *db.Tx, user, id string) (View, error) {
	v, err := Get(tx, user, id)
	if err != nil {
		return View{}, err
	}
	_, err = tx.Exec(`delete from saved_views where id = $1 and user_id = $2`, id, user)
	return v, err
}

// Get reads a person's view. Fault: NotFound, also for somebody else's.
func Get(tx *db.Tx, user, id string) (View, error) {
	v, err := db.One(tx, scan, `select `+columns+` from saved_views where id = $1 and user_id = $2`, id, user)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "you keep no such view")
	}
	return v, err
}
