extern "C" {
#include "dicom/sr.h"
}

#include <cmath>
#include <map>

#include <dcmtk/dcmsr/dsrdoc.h>

#include "dicom/shim/object.h"

namespace
{

const size_t TEXT_MAX = 4096;

DSRCodedEntryValue coded(const struct dicom_concept &concept_)
{
    return DSRCodedEntryValue(object::clean(concept_.value, object::LO_MAX),
                              object::clean(concept_.scheme, 16),
                              object::clean(concept_.meaning, object::LO_MAX));
}

DSRTypes::E_RelationshipType relationship(enum sr_relation relation)
{
    switch (relation) {
    case SR_HAS_OBS_CONTEXT: return DSRTypes::RT_hasObsContext;
    case SR_HAS_CONCEPT_MOD: return DSRTypes::RT_hasConceptMod;
    case SR_HAS_ACQ_CONTEXT: return DSRTypes::RT_hasAcqContext;
    case SR_HAS_PROPERTIES: return DSRTypes::RT_hasProperties;
    case SR_INFERRED_FROM: return DSRTypes::RT_inferredFrom;
    case SR_SELECTED_FROM: return DSRTypes::RT_selectedFrom;
    case SR_CONTAINS: break;
    }
    return DSRTypes::RT_contains;
}

DSRTypes::E_ValueType value_type(enum sr_type type)
{
    switch (type) {
    case SR_CODE: return DSRTypes::VT_Code;
    case SR_TEXT: return DSRTypes::VT_Text;
    case SR_UIDREF: return DSRTypes::VT_UIDRef;
    case SR_NUM: return DSRTypes::VT_Num;
    case SR_IMAGE: return DSRTypes::VT_Image;
    case SR_SCOORD: return DSRTypes::VT_SCoord;
    case SR_CONTAINER:
    case SR_REFERENCE: break; // a reference is no item of its own
    }
    return DSRTypes::VT_Container;
}

OFCondition set_number(DSRContentItem &item, const struct sr_node &node)
{
    if (!std::isfinite(node.number))
        return EC_InvalidValue;
    DSRNumericMeasurementValue value(node.text ? node.text : "", coded(node.code));
    OFCondition condition = value.setFloatingPointRepresentation(node.number);
    return condition.bad() ? condition : item.setNumericValue(value);
}

OFCondition set_image(DSRContentItem &item, const struct sr_node &node)
{
    DSRImageReferenceValue value(node.image.sop_class_uid, node.image.sop_instance_uid);
    if (node.image.frame > 0)
        value.getFrameList().addItem(node.image.frame);
    return item.setImageReference(value);
}

OFCondition set_polyline(DSRContentItem &item, const struct sr_node &node)
{
    DSRSpatialCoordinatesValue value(DSRTypes::GT_Polyline);
    for (size_t i = 0; i < node.point_count; i++)
        value.getGraphicDataList().addItem(node.points[2 * i], node.points[2 * i + 1]);
    return item.setSpatialCoordinates(value);
}

OFCondition set_value(DSRContentItem &item, const struct sr_node &node)
{
    switch (node.type) {
    case SR_CONTAINER:
        return node.template_id ? item.setTemplateIdentification(node.template_id, "DCMR")
                                : EC_Normal;
    case SR_CODE: return item.setCodeValue(coded(node.code));
    case SR_TEXT: return item.setStringValue(object::clean(node.text, TEXT_MAX, true));
    case SR_UIDREF: return item.setStringValue(node.text);
    case SR_NUM: return set_number(item, node);
    case SR_IMAGE: return set_image(item, node);
    case SR_SCOORD: return set_polyline(item, node);
    case SR_REFERENCE: break;
    }
    return EC_InvalidValue;
}

typedef std::map<const struct sr_node *, size_t> NodeIds;

// Adds `node` below or behind the tree's current item and leaves it current.
void add(DSRDocumentTree &tree, const struct sr_node &node, DSRTypes::E_RelationshipType relation,
         DSRTypes::E_AddMode mode, NodeIds &ids)
{
    const size_t id = tree.addContentItem(relation, value_type(node.type), mode);
    if (!id)
        throw ShimFailure{SR_EC_CannotAddContentItem};
    ids[&node] = id;
    DSRContentItem &item = tree.getCurrentContentItem();
    if (node.name.value)
        shim_check(item.setConceptName(coded(node.name)));
    shim_check(set_value(item, node));
    for (const struct sr_node *child = node.first_child; child; child = child->next) {
        // From the parent each time: DCMTK appends behind what is there, references too.
        if (child->type == SR_REFERENCE) {
            if (!tree.addByReferenceRelationship(relationship(child->relation), ids[child->target]))
                throw ShimFailure{SR_EC_CannotAddContentItem};
            continue;
        }
        add(tree, *child, relationship(child->relation), DSRTypes::AM_belowCurrent, ids);
        tree.goUp();
    }
}

void add_references(DSRDocument &document, const struct sr_document &from, const OFString &study)
{
    for (size_t i = 0; i < from.evidence_count; i++) {
        const struct dicom_reference &e = from.evidence[i];
        shim_check(document.getCurrentRequestedProcedureEvidence().addItem(
            study, e.series_instance_uid, e.sop_class_uid, e.sop_instance_uid));
    }
    if (from.predecessor_uid)
        shim_check(document.getPredecessorDocuments().addItem(
            study, from.predecessor_series_uid, SR_SOP_CLASS_UID, from.predecessor_uid));
}

} // namespace

int sr_write(const struct sr_document *document, const char *path, struct error *err)
{
    return shim_guard(err, "make the report", [&]() -> int {
        object::Source source(document->object.source_path);
        DSRDocument sr(document->key_objects ? DSRTypes::DT_KeyObjectSelectionDocument
                                             : DSRTypes::DT_Comprehensive3DSR);
        NodeIds ids;
        shim_check(sr.createNewSeriesInStudy(source.study()));
        shim_check(sr.setSpecificCharacterSetType(DSRTypes::CS_UTF8));
        add(sr.getTree(), *document->root, DSRTypes::RT_isRoot, DSRTypes::AM_afterCurrent, ids);
        add_references(sr, *document, source.study());
        if (!document->key_objects)
            shim_check(
                sr.completeDocument(object::clean(document->completion_text, object::LO_MAX)));
        DcmDataset dataset;
        shim_check(sr.write(dataset));
        object::name_codes(ShimItem(dataset));
        object::stamp(document->object, source, dataset);
        return shim_file_write(dataset, path, err);
    });
}
