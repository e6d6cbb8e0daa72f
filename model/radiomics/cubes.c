#include "model/radiomics/cubes.h"

#include <math.h>
#include <stdbool.h>

/* The twelve edges and their middles, slice, row, column, doubled. */
static const uint8_t edge_corners[12][2] = {{0, 1}, {1, 2}, {2, 3}, {3, 0}, {4, 5}, {5, 6},
                                            {6, 7}, {7, 4}, {0, 4}, {1, 5}, {2, 6}, {3, 7}};
static const uint8_t edge_middle[12][3] = {{0, 0, 1}, {0, 1, 2}, {0, 2, 1}, {0, 1, 0},
                                           {2, 0, 1}, {2, 1, 2}, {2, 2, 1}, {2, 1, 0},
                                           {1, 0, 0}, {1, 0, 2}, {1, 2, 2}, {1, 2, 0}};

/* Triangles as triples of edges in hexadecimal, for every set of corners without corner 7 that
 * hangs together along edges (Lorensen and Cline 1987, in Bourke's numbering and triangulation).
 * PyRadiomics' surface is this one with the parts of a cube that do not hang together closed
 * one by one, and sets with corner 7 taken from outside. The choice of diagonals matters: these
 * polygons are not flat. */
static const char *const triangles[128] = {
    [1] = "083", [2] = "019", [3] = "183981", [4] = "12a", [6] = "92a029", [7] = "2832a8a98",
    [8] = "3b2", [9] = "0b28b0", [11] = "1b219b98b", [12] = "3a1ba3", [13] = "0a108a8ba",
    [14] = "3903b9ba9", [15] = "98aa8b", [16] = "478", [17] = "430734", [19] = "419471731",
    [23] = "2a9297273794", [25] = "b47b24204", [27] = "47b94b9b2921", [29] = "1ba14b1047b4",
    [31] = "47b4b99ba", [32] = "954", [34] = "054150", [35] = "854835315", [38] = "52a542402",
    [39] = "2a5325354348", [43] = "21525828b485", [46] = "54050b5bab03", [47] = "54858aa8b",
    [48] = "978579", [49] = "930953573", [50] = "078017157", [51] = "153357",
    [54] = "802825857a52", [55] = "2a5253357", [57] = "95797292027b", [59] = "b21b17715",
    [61] = "5705097b010aba0", [62] = "ba0b03a50807570", [63] = "ba57b5", [64] = "a65",
    [68] = "165261", [70] = "965906026", [71] = "598582526328", [76] = "63b653513",
    [77] = "08b0b50515b6", [78] = "3b6036065059", [79] = "65969bb98", [87] = "739794329596269",
    [93] = "51b5b610b7b404b", [95] = "65969b4797b9", [96] = "a4964a", [98] = "a01a60640",
    [99] = "83181686461a", [100] = "149124264", [102] = "024426", [103] = "832824426",
    [107] = "64161a48121b8b1", [108] = "964936913b63", [109] = "8b1810b61914641",
    [110] = "3b6360064", [111] = "648b68", [112] = "7a678a89a", [113] = "0730a709a67a",
    [114] = "a671a7178180", [115] = "a67a71173", [116] = "126168189867",
    [117] = "269291679093739", [118] = "780706602", [119] = "732672", [121] = "20727b09767a9a7",
    [123] = "b21b17a61671", [124] = "896867916b63136", [125] = "091b67", [126] = "7807063b0b60",
    [127] = "7b6",
};

/* The part of `corners` that hangs together with corner `start`. */
static uint8_t component(uint8_t corners, int start)
{
    uint8_t part = (uint8_t)(1 << start);
    for (bool grown = true; grown;) {
        grown = false;
        for (int e = 0; e < 12; e++) {
            uint8_t a = (uint8_t)(1 << edge_corners[e][0]), b = (uint8_t)(1 << edge_corners[e][1]);
            bool joins = (corners & a) && (corners & b) && !(part & a) != !(part & b);
            if (joins) {
                part |= a | b;
                grown = true;
            }
        }
    }
    return part;
}

static int edge_of(char digit)
{
    return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

static void cross(const double a[3], const double b[3], double ret_product[3])
{
    for (int d = 0; d < 3; d++) {
        int e = (d + 1) % 3, f = (d + 2) % 3;
        ret_product[d] = a[e] * b[f] - a[f] * b[e];
    }
}

static void add_triangle(struct cube_surface *s, const char *corners, double sign,
                         const double spacing_mm[3])
{
    double p[3][3], u[3], v[3], normal[3], bc[3];
    for (int k = 0; k < 3; k++)
        for (int d = 0; d < 3; d++)
            p[k][d] = edge_middle[edge_of(corners[k])][d] / 2.0 * spacing_mm[d];
    for (int d = 0; d < 3; d++) {
        u[d] = p[1][d] - p[0][d];
        v[d] = p[2][d] - p[0][d];
    }
    cross(u, v, normal); /* = a×b + b×c + c×a, of twice the triangle's length */
    cross(p[1], p[2], bc);
    s->area += sqrt(normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2]) / 2;
    /* (o + a)·((o + b)×(o + c)) = a·(b×c) + o·(a×b + b×c + c×a) for a cube at o */
    s->volume6 += sign * (p[0][0] * bc[0] + p[0][1] * bc[1] + p[0][2] * bc[2]);
    for (int d = 0; d < 3; d++)
        s->volume6_step[d] += sign * normal[d] * spacing_mm[d];
}

struct cube_surface cube_surface(uint8_t kind, const double spacing_mm[3])
{
    struct cube_surface s = {0};
    double sign = kind & 0x80 ? -1 : 1;
    uint8_t left = kind & 0x80 ? (uint8_t)~kind : kind;
    for (int k = 0; k < 8; k++) {
        if (!(left & 1 << k))
            continue;
        uint8_t part = component(left, k);
        left &= (uint8_t)~part;
        for (const char *t = triangles[part]; *t; t += 3)
            add_triangle(&s, t, sign, spacing_mm);
    }
    return s;
}
