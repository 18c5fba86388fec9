package console

import (
	"net/url"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/view"
)

// viewPages are the lists that views are kept of.
var viewPages = map[string]string{ordersPageName: "/orders"}

// viewSave keeps a list as it is filtered.
func viewSave(v *visit) error {
	page := v.form("page")
	path, known := viewPages[page]
	if !known {
		return fault.Field("page", "there is no such list")
	}
	asked, err := url.ParseQuery(v.form("query"))
	if err != nil {
		return fault.Field("query", "is not what a list is filtered by")
	}
	kept := view.View{User: v.who.ID, Page: page, Name: v.form("name"), Query: viewQuery(asked)}
	if err := v.write(func(tx *db.Tx) error {
		saved, err := view.Save(tx, kept)
		if err == nil && v.form("preferred") != "" {
			err = view.Prefer(tx, v.who.ID, saved.ID, true)
		}
		return err
	}); err != nil {
		return err
	}
	v.remember(flash{Text: v.T("Kept as %s", kept.Name)})
	v.see(Base + path + "?" + kept.Query)
	return nil
}

// viewDo renames, prefers or deletes one's own view.
func viewDo(v *visit) error {
	id, act := v.id(), v.r.PathValue("act")
	f, to := flash{Text: v.T("Saved")}, ""
	err := v.write(func(tx *db.Tx) error {
		switch act {
		case "rename":
			return view.Rename(tx, v.who.ID, id, v.form("name"))
		case "prefer":
			return view.Prefer(tx, v.who.ID, id, v.form("on") != "")
		case "delete":
			gone, err := view.Delete(tx, v.who.ID, id)
			f = flash{Text: v.T("%s is deleted", gone.Name), Undo: Base + "/views", With: map[string]string{"page": gone.Page, "name": gone.Name, "query": gone.Query}}
			to = Base + viewPages[gone.Page] + "?tab=all"
			return err
		}
		return fault.New(fault.NotFound, "there is no such step")
	})
	if err != nil {
		return err
	}
	if to != "" {
		v.remember(f)
		v.see(to)
		return nil
	}
	return v.back(Base+"/orders?tab=all", f)
}
