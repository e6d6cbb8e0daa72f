/* Every coded concept that reports use. Sources: DCM is PS3.16 annex D, SCT is SNOMED CT, UCUM
 * the units, IBSI the Image Biomarker Standardisation Initiative, RFC5646 languages. 99AXNODE is
 * ours, for what no standard names; the risk's meaning is the package's own outcome text. */
#ifndef AXNODE_REPORT_CODES_H
#define AXNODE_REPORT_CODES_H

#include "dicom/object.h"

#define CODE(value, scheme, meaning) ((struct dicom_concept){value, scheme, meaning})

/* Structure: TID 1500, 1204, 1001, 1600, 1410, 1420, 4019 */
#define CODE_REPORT CODE("126000", "DCM", "Imaging Measurement Report")
#define CODE_LANGUAGE CODE("121049", "DCM", "Language of Content Item and Descendants")
#define CODE_ENGLISH CODE("en", "RFC5646", "English")
#define CODE_OBSERVER_TYPE CODE("121005", "DCM", "Observer Type")
#define CODE_DEVICE CODE("121007", "DCM", "Device")
#define CODE_DEVICE_UID CODE("121012", "DCM", "Device Observer UID")
#define CODE_DEVICE_NAME CODE("121013", "DCM", "Device Observer Name")
#define CODE_DEVICE_MANUFACTURER CODE("121014", "DCM", "Device Observer Manufacturer")
#define CODE_DEVICE_MODEL CODE("121015", "DCM", "Device Observer Model Name")
#define CODE_DEVICE_SERIAL CODE("121016", "DCM", "Device Observer Serial Number")
#define CODE_PROCEDURE_REPORTED CODE("121058", "DCM", "Procedure reported")
#define CODE_BREAST_ULTRASOUND CODE("47079000", "SCT", "Ultrasonography of breast")
#define CODE_IMAGE_LIBRARY CODE("111028", "DCM", "Image Library")
#define CODE_IMAGE_LIBRARY_GROUP CODE("126200", "DCM", "Image Library Group")
#define CODE_MODALITY CODE("121139", "DCM", "Modality")
#define CODE_ULTRASOUND CODE("US", "DCM", "Ultrasound")
#define CODE_SOURCE_IMAGE CODE("121324", "DCM", "Source image")
#define CODE_MEASUREMENTS CODE("126010", "DCM", "Imaging Measurements")
#define CODE_DERIVED_MEASUREMENTS CODE("126011", "DCM", "Derived Imaging Measurements")
#define CODE_EVALUATIONS CODE("C0034375", "UMLS", "Qualitative Evaluations")
#define CODE_GROUP CODE("125007", "DCM", "Measurement Group")
#define CODE_TRACKING_ID CODE("112039", "DCM", "Tracking Identifier")
#define CODE_TRACKING_UID CODE("112040", "DCM", "Tracking Unique Identifier")
#define CODE_FINDING CODE("121071", "DCM", "Finding")
#define CODE_FINDING_SITE CODE("363698007", "SCT", "Finding Site")
#define CODE_LATERALITY CODE("272741003", "SCT", "Laterality")
#define CODE_IMAGE_REGION CODE("111030", "DCM", "Image Region")
#define CODE_ALGORITHM_NAME CODE("111001", "DCM", "Algorithm Name")
#define CODE_ALGORITHM_VERSION CODE("111003", "DCM", "Algorithm Version")
#define CODE_ALGORITHM_PARAMETERS CODE("111002", "DCM", "Algorithm Parameters")

/* Anatomy and findings */
#define CODE_LEFT CODE("7771000", "SCT", "Left")
#define CODE_RIGHT CODE("24028007", "SCT", "Right")
#define CODE_BREAST CODE("76752008", "SCT", "Breast")
#define CODE_AXILLA CODE("91470000", "SCT", "Axilla")
#define CODE_AXILLARY_NODE CODE("68171009", "SCT", "Axillary lymph node")
#define CODE_MASS CODE("4147007", "SCT", "Mass")
#define CODE_LYMPH_NODE CODE("59441001", "SCT", "Lymph node")
#define CODE_ABNORMAL_STRUCTURE CODE("49755003", "SCT", "Morphologically Abnormal Structure")
#define CODE_ANATOMICAL_STRUCTURE CODE("91723000", "SCT", "Anatomical Structure")
#define CODE_HILUM CODE("HILUM", "99AXNODE", "Hilum of lymph node")

/* Measurements */
#define CODE_LONG_AXIS CODE("103339001", "SCT", "Long Axis")
#define CODE_SHORT_AXIS CODE("103340004", "SCT", "Short Axis")
#define CODE_WIDTH CODE("103355008", "SCT", "Width")
#define CODE_DEPTH CODE("131197000", "SCT", "Depth")
#define CODE_SKIN_DISTANCE CODE("121243", "DCM", "Distance from skin")
#define CODE_DEPTH_WIDTH CODE("DEPTHWIDTH", "99AXNODE", "Depth to width ratio")
#define CODE_AREA CODE("42798000", "SCT", "Area")
#define CODE_PERIMETER CODE("131191004", "SCT", "Perimeter")
#define CODE_AXIS_RATIO CODE("AXISRATIO", "99AXNODE", "Long axis to short axis ratio")
#define CODE_CIRCULARITY CODE("CIRCULARITY", "99AXNODE", "Circularity (4 pi area / perimeter^2)")
#define CODE_CORTEX_THICKNESS CODE("CORTEX", "99AXNODE", "Largest cortex thickness")
#define CODE_HILUM_FRACTION CODE("HILUMFRACTION", "99AXNODE", "Hilum area of node area")
#define CODE_AGREEMENT CODE("AGREEMENT", "99AXNODE", "Agreement of the outline's passes (Dice)")
#define CODE_MEAN CODE("Q4LE", "IBSI", "Mean intensity")
#define CODE_SKEWNESS CODE("KE2A", "IBSI", "Intensity skewness")
#define CODE_ENTROPY CODE("TLU2", "IBSI", "Discretised intensity entropy")
#define CODE_UNIFORMITY CODE("BJ5W", "IBSI", "Discretised intensity uniformity")

/* Statements on a region, and their values */
#define CODE_TALLER CODE("TALLERTHANWIDE", "99AXNODE", "Taller than wide")
#define CODE_UNSURE CODE("UNSURE", "99AXNODE", "Outline unsure")
#define CODE_RATIO_BELOW_2 CODE("RATIOBELOW2", "99AXNODE", "Long to short axis ratio below 2")
#define CODE_CORTEX_ABOVE_3 CODE("CORTEXABOVE3", "99AXNODE", "Cortex thicker than 3 mm")
#define CODE_CORTEX_ABOVE_3_5 CODE("CORTEXABOVE35", "99AXNODE", "Cortex thicker than 3.5 mm")
#define CODE_HILUM_LOST CODE("HILUMLOST", "99AXNODE", "Hilum lost")
#define CODE_YES CODE("373066001", "SCT", "Yes")
#define CODE_NO CODE("373067005", "SCT", "No")
#define CODE_PRESENT CODE("52101004", "SCT", "Present")
#define CODE_ABSENT CODE("272519000", "SCT", "Absent")
#define CODE_PARTLY_LOST CODE("PARTLYLOST", "99AXNODE", "Partly lost")
#define CODE_NOT_ASSESSABLE CODE("NOTASSESSABLE", "99AXNODE", "Not assessable")

/* The estimate and what must be said with it */
#define CODE_RISK(outcome) CODE("RISK", "99AXNODE", outcome)
#define CODE_CUTOFF CODE("CUTOFF", "99AXNODE", "Cut-off of the estimated risk")
#define CODE_CUTOFF_RULE CODE("CUTOFFRULE", "99AXNODE", "Rule that chose the cut-off")
#define CODE_NO_RISK CODE("NORISK", "99AXNODE", "No risk estimated")
#define CODE_INTENDED_USE CODE("INTENDEDUSE", "99AXNODE", "Intended use")
#define CODE_POPULATION CODE("POPULATION", "99AXNODE", "Population of the model")
#define CODE_QUALITY_NOTE CODE("QUALITYNOTE", "99AXNODE", "To be checked by the reader")
#define CODE_REPORT_STATUS CODE("REPORTSTATUS", "99AXNODE", "Status of the report")
#define CODE_PACKAGE CODE("PACKAGE", "99AXNODE", "Model package")

/* Units */
#define CODE_MM CODE("mm", "UCUM", "millimeter")
#define CODE_MM2 CODE("mm2", "UCUM", "square millimeter")
#define CODE_PIXELS CODE("{pixels}", "UCUM", "pixels")
#define CODE_PERCENT CODE("%", "UCUM", "percent")
#define CODE_NO_UNIT CODE("1", "UCUM", "no units")

#endif
