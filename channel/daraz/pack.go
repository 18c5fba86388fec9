package daraz

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// packed is one row of a pack answer.
type packed struct {
	rowVerdict
	Unit     iop.Scalar `json:"order_item_id"`
	Tracking iop.Scalar `json:"tracking_number"`
	Provider iop.Scalar `json:"shipment_provider"`
	Package  iop.Scalar `json:"package_id"`
}

// Pack implements channel.Packer: Daraz assigns package, carrier and tracking number per unit; units it will not take come back with its reason, those it
// says to try again as Unavailable. The label is fetched at once, since its link lives ten minutes; a label that is not to be had leaves Label nil.
//
// Safe to repeat: only pending and repacked units can be packed, so units that turn out to be packed already are given with the package they are in. After
// a lost answer the units are read again, and only if that fails too is the outcome unknown.
func (s *shop) Pack(ctx context.Context, h channel.Handling) (channel.PackResult, error) {
	rows, err := s.packRows(ctx, h)
	if fault.Is(err, fault.OutcomeUnknown) {
		if rows, err = s.packedAfter(ctx, h, err); err != nil {
			return channel.PackResult{}, err
		}
	}
	if err != nil {
		return channel.PackResult{}, err
	}
	rows, err = s.already(ctx, h, rows)
	if err != nil {
		return channel.PackResult{}, err
	}
	result := packResult(h, rows)
	for i := range result.Packages {
		p := &result.Packages[i]
		if p.Label, err = s.label(ctx, *p); err != nil {
			s.warn("the label of package "+p.External+" is not to be had yet", err)
		}
	}
	return result, nil
}

// warn logs what does not stop the work.
func (s *shop) warn(message string, err error) {
	if s.cfg.Log != nil {
		s.cfg.Log.Warn(message, "account", s.cfg.Account, "kind", fault.KindOf(err).String(), "code", fault.CodeOf(err))
	}
}

// packRows makes the calls: who may carry, then pack.
func (s *shop) packRows(ctx context.Context, h channel.Handling) ([]packed, error) {
	if len(h.Units) == 0 {
		return nil, fault.Field("units", "are missing: Daraz packs units by their ids")
	}
	order, err := iop.ID("order", h.Order)
	if err != nil {
		return nil, err
	}
	units, err := iop.IDs("units", h.Units)
	if err != nil {
		return nil, err
	}
	allocate, provider, err := s.allocation(ctx, order, units)
	if err != nil {
		return nil, err
	}
	type packOrder struct {
		Order json.Number   `json:"order_id"`
		Units []json.Number `json:"order_item_list"`
	}
	req := struct {
		Orders   []packOrder `json:"pack_order_list"`
		Delivery string      `json:"delivery_type"`
		Allocate string      `json:"shipping_allocate_type"`
		Provider string      `json:"shipment_provider_code,omitempty"`
	}{[]packOrder{{order, units}}, "dropship", allocate, provider}
	var data struct {
		Orders iop.List[struct {
			Rows iop.List[packed] `json:"order_item_list"`
		}] `json:"pack_order_list"`
	}
	if err := s.into(ctx, post("pack", fulfilCodes, map[string]string{"packReq": jsonText(req)}), &data); err != nil {
		return nil, err
	}
	var rows []packed
	for _, o := range data.Orders {
		rows = append(rows, o.Rows...)
	}
	return rows, nil
}

// allocation is how the carrier is found. Local sellers (TFS) may not name one; where Daraz lets the seller choose, the setting's or the first one is.
func (s *shop) allocation(ctx context.Context, order json.Number, units []json.Number) (allocate, provider string, err error) {
	allocate, provider = s.setting("shipping_allocate_type"), s.setting("shipment_provider")
	if s.setting("ask_providers") == "no" {
		if allocate == "TFS" {
			provider = ""
		}
		return allocate, provider, nil
	}
	type who struct {
		Order json.Number   `json:"order_id"`
		Units []json.Number `json:"order_item_ids"`
	}
	var data struct {
		Default   iop.Scalar `json:"platform_default"`
		Allocate  iop.Scalar `json:"shipping_allocate_type"`
		Providers iop.List[struct {
			Name iop.Scalar `json:"name"`
			Code iop.Scalar `json:"provider_code"`
		}] `json:"shipment_providers"`
	}
	req := jsonText(struct {
		Orders []who `json:"orders"`
	}{[]who{{order, units}}})
	if err := s.into(ctx, get("providers", fulfilCodes, map[string]string{"getShipmentProvidersReq": req}), &data); err != nil {
		return "", "", err
	}
	if data.Allocate != "" {
		allocate = data.Allocate.String()
	}
	if data.Default.Bool() || allocate == "TFS" {
		return allocate, "", nil
	}
	wanted := provider
	provider = ""
	for _, p := range data.Providers {
		if provider == "" || strings.EqualFold(wanted, p.Code.String()) || strings.EqualFold(wanted, p.Name.String()) {
			provider = p.Code.String()
		}
	}
	return allocate, provider, nil
}

// packedAfter reads the units after a lost answer: those in a package are packed, the others are worth another try.
func (s *shop) packedAfter(ctx context.Context, h channel.Handling, lost error) ([]packed, error) {
	items, err := s.rows(ctx, h.Order)
	if err != nil {
		return nil, lost
	}
	var rows []packed
	found := false
	for _, unit := range h.Units {
		r := packed{Unit: iop.Scalar(unit), rowVerdict: rowVerdict{Code: "6", Text: "the answer was lost and the unit is not packed", Retry: "true"}}
		if item := unitOf(items, unit); item != nil && inPackage(item) {
			r, found = item.packed(), true
		}
		rows = append(rows, r)
	}
	if !found {
		return nil, &fault.Error{Kind: fault.Unavailable, Message: "Daraz did not answer, and nothing has been packed", Err: lost}
	}
	return rows, nil
}

// already turns refusals "in another state" into packages where the unit is packed, since an earlier try may have packed it.
func (s *shop) already(ctx context.Context, h channel.Handling, rows []packed) ([]packed, error) {
	conflict := func(r packed) bool { return fault.Is(r.err(), fault.Conflict) }
	if !slices.ContainsFunc(rows, conflict) {
		return rows, nil
	}
	items, err := s.rows(ctx, h.Order)
	if err != nil {
		return nil, err
	}
	for i, r := range rows {
		if item := unitOf(items, r.Unit.String()); conflict(r) && item != nil && inPackage(item) {
			rows[i] = item.packed()
		}
	}
	return rows, nil
}

func unitOf(items []rawItem, unit string) *rawItem {
	for i := range items {
		if items[i].OrderItemID.String() == unit {
			return &items[i]
		}
	}
	return nil
}

// inPackage says that the unit is packed, or further.
func inPackage(r *rawItem) bool {
	switch unitStatus(r.Status.String()) {
	case channel.Packed, channel.Ready, channel.Shipped, channel.Delivered, channel.Completed, channel.Failed:
		return r.PackageID != ""
	}
	return false
}

func (r *rawItem) packed() packed {
	return packed{Unit: r.OrderItemID, Tracking: r.Tracking, Provider: r.Provider, Package: r.PackageID, rowVerdict: rowVerdict{Code: "0"}}
}

// packResult gathers rows into packages. A unit without a row was neither taken nor refused: it is worth another try.
func packResult(h channel.Handling, rows []packed) channel.PackResult {
	var out channel.PackResult
	told := map[string]bool{}
	for _, r := range rows {
		unit := r.Unit.String()
		told[unit] = true
		err := r.err()
		if err == nil && r.Package == "" {
			err = fault.New(fault.Unavailable, "Daraz packed the unit and named no package")
		}
		if err != nil {
			out.Refused = append(out.Refused, channel.UnitRefusal{Unit: unit, Err: err})
			continue
		}
		i := slices.IndexFunc(out.Packages, func(p channel.Package) bool { return p.External == r.Package.String() })
		if i < 0 {
			i = len(out.Packages)
			out.Packages = append(out.Packages, channel.Package{
				External: r.Package.String(), Carrier: carrier(r.Provider.String()), Tracking: r.Tracking.String(),
			})
		}
		out.Packages[i].Units = append(out.Packages[i].Units, unit)
	}
	for _, unit := range h.Units {
		if !told[unit] {
			out.Refused = append(out.Refused, channel.UnitRefusal{Unit: unit, Err: fault.New(fault.Unavailable, "Daraz's answer says nothing about the unit")})
		}
	}
	return out
}

// label fetches a package's label.
func (s *shop) label(ctx context.Context, p channel.Package) (*channel.Label, error) {
	if s.setting("label_api") == "order" {
		return s.orderLabel(ctx, p.Units)
	}
	type pack struct {
		ID string `json:"package_id"`
	}
	format := s.setting("label_format")
	req := jsonText(struct {
		Type     string `json:"doc_type"`
		Packages []pack `json:"packages"`
	}{format, []pack{{p.External}}})
	var data struct {
		File iop.Scalar `json:"file"`
		PDF  iop.Scalar `json:"pdf_url"`
		Type iop.Scalar `json:"doc_type"`
	}
	if err := s.into(ctx, get("document", fulfilCodes, map[string]string{"getDocumentReq": req}), &data); err != nil {
		return nil, err
	}
	if data.PDF != "" {
		return s.download(ctx, data.PDF.String())
	}
	return labelOf(data.File.String())
}

// orderLabel is the older call, by units.
func (s *shop) orderLabel(ctx context.Context, units []string) (*channel.Label, error) {
	ids, err := iop.IDs("units", units)
	if err != nil {
		return nil, err
	}
	var data struct {
		Document struct {
			File iop.Scalar `json:"file"`
		} `json:"document"`
	}
	if err := s.into(ctx, get("order_document", fulfilCodes, map[string]string{"doc_type": "shippingLabel", "order_item_ids": jsonText(ids)}), &data); err != nil {
		return nil, err
	}
	return labelOf(data.Document.File.String())
}

// labelOf reads base64, which holds HTML even where PDF was asked for; what begins like a PDF is one.
func labelOf(file string) (*channel.Label, error) {
	body, err := base64.StdEncoding.DecodeString(file)
	if err != nil || len(body) == 0 {
		return nil, fault.New(fault.Unavailable, "Daraz's label is empty or broken")
	}
	if strings.HasPrefix(string(body), "%PDF") {
		return &channel.Label{Format: "pdf", Body: body}, nil
	}
	return &channel.Label{Format: "html", Body: body}, nil
}

// maxLabel bounds a label.
const maxLabel = 8 << 20

// download fetches a label's link, which is on another host, needs no signature and lives ten minutes.
func (s *shop) download(ctx context.Context, link string) (*channel.Label, error) {
	if u, err := url.Parse(link); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fault.New(fault.Unavailable, "Daraz's label link is no address")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, http.NoBody)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "Daraz's label link is no address")
	}
	resp, err := s.cfg.HTTP.Do(req)
	if err != nil {
		// The link itself opens the label, with the buyer's address on it, so it stays out of the error.
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, fault.Wrap(fault.Unavailable, err, "the label could not be downloaded")
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxLabel))
	switch {
	case err != nil:
		return nil, fault.Wrap(fault.Unavailable, err, "the label could not be downloaded")
	case resp.StatusCode != http.StatusOK:
		return nil, fault.New(fault.Unavailable, "the label could not be downloaded (HTTP %d)", resp.StatusCode)
	case !strings.HasPrefix(string(body), "%PDF"):
		return nil, fault.New(fault.Unavailable, "the label's link leads to no PDF")
	}
	return &channel.Label{Format: "pdf", Body: body}, nil
}
