package console

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"

	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/fault"
	table "github.com/openclaw-pos/commerce/platform/sheet"
)

// maxTable is how large an imported file may be, with the form around it.
const maxTable = table.MaxBytes + 1<<16

// shownProblems is how many refused rows a page names; the others are counted.
const shownProblems = 100

// tables are the files that can be imported, in the order a business needs them.
var tables = []string{"products", "prices", "costs", "stock"}

type importsPage struct {
	What    string
	Tabs    []tab
	Columns []table.Column
	Done    *importDone
}

// importDone is what an import did, or would do.
type importDone struct {
	table.Report
	File    string // its name
	Checked string // the hash of the file that was checked: only this one is imported
	Wrong   string // why it is no such table
	More    int    // problems that are not shown
	Final   bool
}

// imports is where tables are checked and then imported.
func imports(v *visit) error {
	return v.page("imports", "Imports", v.importsPage(v.ask("what")))
}

func (v *visit) importsPage(what string) importsPage {
	if !slices.Contains(tables, what) {
		what = tables[0]
	}
	p := importsPage{What: what, Columns: inventory.StockColumns}
	if columns, ok := catalog.Imports()[what]; ok {
		p.Columns = columns
	}
	for _, name := range tables {
		p.Tabs = append(p.Tabs, tab{name, v.Word("table_" + name), Base + "/imports?what=" + name, name == what})
	}
	return p
}

// importDo checks a table, and imports it once the same file has been checked. Rows with a problem are left out; the same file again changes nothing.
func importDo(v *visit) error {
	what := v.r.PathValue("what")
	if !slices.Contains(tables, what) {
		return fault.New(fault.NotFound, "there is no table of this kind")
	}
	body, name, err := v.upload("file")
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	done := importDone{File: name, Checked: hex.EncodeToString(sum[:]), Final: v.form("act") == "import"}
	switch {
	case done.Final && v.form("checked") == "":
		return fault.Field("file", "is to be checked first: nothing was imported")
	case done.Final && v.form("checked") != what+" "+done.Checked:
		return fault.Field("file", "is another one than was checked, or has changed since: check it first")
	}
	if what == "stock" {
		done.Report, err = v.Inventory.Import(v.r.Context(), bytes.NewReader(body), v.actor(), !done.Final)
	} else {
		done.Report, err = v.Import(v.r.Context(), what, bytes.NewReader(body), v.actor(), !done.Final)
	}
	if fault.Is(err, fault.Invalid) {
		done.Wrong, err = fault.Message(err), nil
	}
	if err != nil {
		return err
	}
	done.Checked = what + " " + done.Checked
	if len(done.Problems) > shownProblems {
		done.Problems = done.Problems[:shownProblems]
	}
	done.More = done.Refused - len(done.Problems)
	p := v.importsPage(what)
	p.Done = &done
	if v.partial() {
		return v.part("imports", "report", p)
	}
	return v.page("imports", "Imports", p)
}

// upload reads a file of a form with its name. Fault: Invalid without one.
func (v *visit) upload(field string) (body []byte, name string, err error) {
	f, head, err := v.r.FormFile(field)
	if err != nil {
		return nil, "", fault.Field(field, "is missing: choose one")
	}
	defer f.Close()
	body, err = io.ReadAll(f)
	if err != nil {
		return nil, "", fault.Wrap(fault.Invalid, err, "the file could not be read")
	}
	if len(body) == 0 {
		return nil, "", fault.Field(field, "is empty")
	}
	return body, clean(head.Filename), nil
}
